# search.sh DIR OUT: which articles use a word, for the search of assets/search.js.
echo "reading $(ls "$1" | wc -l) articles"
for f in "$1"/*.md; do
    name=${f##*/}
    tr -cs 'A-Za-z' '\n' <"$f" | tr 'A-Z' 'a-z' | sort -u | sed "s/\$/ ${name%.md}/"
done | awk 'length($1) > 2 { at[$1] = at[$1] "\t" $2; n++ } END { for (w in at) print w at[w]; print n " places" >"/dev/stderr" }' |
    sort >"$2"
echo "$(wc -l <"$2") words"
