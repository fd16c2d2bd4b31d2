# One article as a page: headings, lists, links, paragraphs.
function inline(s,  a, t) {
    gsub(/&/, "\\&amp;", s); gsub(/</, "\\&lt;", s)
    while (match(s, /\[[^]]*\]\([^)]*\)/)) {
        t = substr(s, RSTART, RLENGTH); a = index(t, "](")
        s = substr(s, 1, RSTART - 1) "<a href=\"" link(substr(t, a + 2, length(t) - a - 2)) "\">" \
            substr(t, 2, a - 2) "</a>" substr(s, RSTART + RLENGTH)
    }
    return s
}
function link(to) { sub(/\.md$/, ".html", to); return to }
function close_all() { if (list) print "</ul>"; if (para) print "</p>"; list = para = 0 }
BEGIN { print "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><link rel=\"stylesheet\" href=\"assets/site.css\">" }
/^# / { close_all(); print "<title>" inline(substr($0, 3)) "</title><h1>" inline(substr($0, 3)) "</h1>"; next }
/^- / { if (!list) { close_all(); print "<ul>"; list = 1 } print "<li>" inline(substr($0, 3)) "</li>"; next }
/^$/ { close_all(); next }
{ if (!para) { close_all(); print "<p>"; para = 1 } print inline($0) }
END { close_all(); print "</html>" }
