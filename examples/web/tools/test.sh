# test.sh SITE: serve the site, ask for each page of the front page's reach, and look at the answers.
httpd -p 127.0.0.1:8080 -h "$1"
ok=0
for page in index build cache archive note-1 note-2 note-3 note-5 note-8 note-13 note-21 note-34 note-48; do
    title=$(wget -q -O - "http://127.0.0.1:8080/$page.html" | sed -n 's/.*<h1>\(.*\)<\/h1>.*/\1/p')
    [ -n "$title" ] || { echo "$page.html: error: no title" >&2; exit 1; }
    echo "ok  $page.html  $title"
    ok=$((ok + 1))
done
for file in feed.xml search.tsv header-1.pgm assets/site.css.gz; do
    wget -q -O /dev/null "http://127.0.0.1:8080/$file"
    echo "ok  $file"
    ok=$((ok + 1))
done
echo "$ok tests passed"
