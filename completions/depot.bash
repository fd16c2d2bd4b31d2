_depot() {
    local cur prev words
    cur="${COMP_WORDS[COMP_CWORD]}"
    prev="${COMP_WORDS[COMP_CWORD-1]}"
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "build list logs why retry replay cancel top cache prune version help" -- "$cur"))
        return
    fi
    case "${COMP_WORDS[1]}" in
    build|b)
        case "$prev" in
        --color) COMPREPLY=($(compgen -W "auto always never" -- "$cur")); return ;;
        --progress) COMPREPLY=($(compgen -W "auto tty plain quiet rawjson none" -- "$cur")); return ;;
        --summary) COMPREPLY=($(compgen -W "auto always never" -- "$cur")); return ;;
        esac
        words="--help --add-host --allow --annotation --attest --build-arg --build-context --builder --cache-from --cache-to --call --cgroup-parent --check --ci --color --config --debug --detach --file --iidfile --keep-going --label --load --metadata-file --network --no-cache --no-cache-filter --output --plain --platform --policy --progress --project --provenance --pull --push --quiet --record --resource --sbom --secret --shm-size --ssh --summary --tag --target --token --tui --ulimit --url" ;;
    list|ls)
        case "$prev" in
        --state) COMPREPLY=($(compgen -W "active queued running succeeded failed cancelled" -- "$cur")); return ;;
        esac
        words="--help --json --limit --mine --project --state --url --token" ;;
    logs)
        case "$prev" in
        --progress) COMPREPLY=($(compgen -W "plain rawjson" -- "$cur")); return ;;
        --summary) COMPREPLY=($(compgen -W "auto always never" -- "$cur")); return ;;
        esac
        words="--help --ci --failed --grep --progress --step --summary --tail --url --token" ;;
    why)
        case "$prev" in
        --color) COMPREPLY=($(compgen -W "auto always never" -- "$cur")); return ;;
        esac
        words="--help --against --color --json --replay --url --token" ;;
    retry)
        case "$prev" in
        esac
        words="--help" ;;
    replay)
        case "$prev" in
        --progress) COMPREPLY=($(compgen -W "tty plain rawjson quiet" -- "$cur")); return ;;
        --summary) COMPREPLY=($(compgen -W "auto always never" -- "$cur")); return ;;
        esac
        words="--help --ci --progress --speed --summary" ;;
    cancel)
        case "$prev" in
        esac
        words="--help --url --token" ;;
    top)
        case "$prev" in
        --color) COMPREPLY=($(compgen -W "auto never 16 256 true" -- "$cur")); return ;;
        esac
        words="--help --ascii --color --config --no-mouse --open --replay --speed --stdin --token --url" ;;
    cache|du)
        case "$prev" in
        esac
        words="--help --builder --json --limit --url --token" ;;
    prune)
        case "$prev" in
        esac
        words="--help --all --builder --force --json --keep-hours --keep-storage --url --token" ;;
    version)
        case "$prev" in
        esac
        words="--help" ;;
    help)
        case "$prev" in
        --format) COMPREPLY=($(compgen -W "text man bash zsh fish" -- "$cur")); return ;;
        esac
        words="--help --format" ;;
    esac
    case "$cur" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -f -- "$cur")) ;;
    esac
}
complete -o filenames -F _depot depot
