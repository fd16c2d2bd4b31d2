# lint.sh DIR: every link must lead to an article. What was checked goes to lint.txt.
dir=$1 bad=0 links=0
for f in "$dir"/*.md; do
    for to in $(sed -n 's/.*](\([^)]*\.md\)).*/\1/p' "$f"); do
        links=$((links + 1))
        if [ ! -e "$dir/$to" ]; then
            echo "$f: error: link to $to, which does not exist" >&2
            bad=$((bad + 1))
        fi
    done
done
echo "$links links checked, $bad broken" | tee lint.txt
[ "$bad" -eq 0 ]
