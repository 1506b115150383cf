// The lists of this room, in pages: effects/pages.h.
#pragma once

#include "effects/io.h"

namespace doze::forwarding {

struct Work;
void list_forwards(Work& work, RequestId request, const command::Page& page);
void list_holds(Work& work, RequestId request, const command::Page& page);

}  // namespace doze::forwarding
