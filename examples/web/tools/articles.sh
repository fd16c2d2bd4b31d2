# articles.sh N DIR: write the archive's N articles, which link to each other, and its list.
n=$1 dir=$2 i=1
words="build cache layer stage platform builder context digest export graph log mount push secret session step target tag test worker"
echo "# The archive" >"$dir/archive.md"
while [ "$i" -le "$n" ]; do
    next=$((i % n + 1))
    {
        echo "# Note $i"
        echo
        for w in $words; do
            [ $(((i * ${#w} + i) % 3)) -eq 0 ] && echo "On note $i we looked at the $w and wrote down what we saw."
        done
        echo
        echo "Next: [note $next](note-$next.md)."
    } >"$dir/note-$i.md"
    echo "- [Note $i](note-$i.md)" >>"$dir/archive.md"
    [ $((i % 6)) -eq 0 ] && echo "$i of $n articles"
    i=$next
    [ "$i" -eq 1 ] && break
done
ls "$dir" | wc -l
