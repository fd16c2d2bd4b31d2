# feed.sh DIR OUT: the newest articles as an Atom feed, each with the digest of its text as its id.
{
    echo '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>The workshop</title>'
    for f in "$1"/*.md; do
        id=$(sha256sum "$f" | cut -c 1-16)
        echo "<entry><id>urn:note:$id</id><title>$(sed -n '1s/^# //p' "$f")</title></entry>"
    done
    echo '</feed>'
} >"$2"
echo "$(grep -c '<entry>' "$2") entries, $(wc -c <"$2") bytes"
