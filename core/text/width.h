/*
 * Which characters are kept from terminals. Private to the library; the rest is in depot/text.h.
 */
#ifndef DEPOT_CORE_TEXT_WIDTH_H
#define DEPOT_CORE_TEXT_WIDTH_H

#include <stdbool.h>
#include <stdint.h>

/* Characters that hide text or turn its direction: a name could lie with them. */
bool dp_text_hides(uint32_t ch);

#endif
