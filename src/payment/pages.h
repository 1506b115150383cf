// The lists of this room, in pages: effects/pages.h.
#pragma once

#include "effects/io.h"

namespace doze::payment {

struct Work;
void list_payments(Work& work, RequestId request, const command::Page& page);
void list_invoices(Work& work, RequestId request, const command::Page& page);

}  // namespace doze::payment
