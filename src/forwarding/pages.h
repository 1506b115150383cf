// The lists of this room, in pages: effects/pages.h.
#pragma once

#include "effects/io.h"

namespace doze::forwarding {

struct Work;
struct PageAsked;
/// Asks the store for ended rows; the second one replies when they have arrived.
void list_forwards(Work& work, RequestId request, const command::Page& page);
void list_forwards(Work& work, const PageAsked& asked, std::vector<std::vector<Row>> rows);
void list_holds(Work& work, RequestId request, const command::Page& page);

}  // namespace doze::forwarding
