# pages.sh DIR OUT: a page for each article.
n=0
for f in "$1"/*.md; do
    name=${f##*/}
    awk -f page.awk "$f" >"$2/${name%.md}.html"
    n=$((n + 1))
    echo "page $n: ${name%.md}.html $(wc -c <"$2/${name%.md}.html") bytes"
done
echo "$n pages"
