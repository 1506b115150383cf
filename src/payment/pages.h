// The lists of this room, in pages: effects/pages.h.
#pragma once

#include "effects/io.h"

namespace doze::payment {

struct Work;
struct PageAsked;
/// What is over is read; the page is given when it is there.
void list_payments(Work& work, RequestId request, const command::Page& page);
void list_payments(Work& work, const PageAsked& asked, std::vector<std::vector<Row>> rows);
void list_invoices(Work& work, RequestId request, const command::Page& page);

}  // namespace doze::payment
