/*
 * Whatever an engine sends as a packet: it decodes or it does not, and a stat that does comes out
 * the same again. Its extended attributes are read, too.
 */
#include <stdlib.h>
#include <string.h>

#include "session/packet.h"
#include "session/xattr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dp_packet p, again;
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    if (dp_packet_decode(data, size, &p) < 0)
        return 0;
    if (p.has_stat) {
        dp_packet_add_stat(&b, &p.stat);
        if (dp_packet_decode(b.data, b.len, &again) < 0 || again.stat.path_len != p.stat.path_len ||
            again.stat.link_len != p.stat.link_len ||
            memcmp(again.stat.path, p.stat.path, p.stat.path_len) != 0 ||
            again.stat.mode != p.stat.mode || again.stat.size != p.stat.size ||
            again.stat.mtime != p.stat.mtime || again.stat.xattrs_len != p.stat.xattrs_len)
            abort();
        dp_xattr_apply(-1, p.stat.xattrs, p.stat.xattrs_len);
    }
    depot_buf_release(&b);
    return 0;
}
