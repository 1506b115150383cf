// What we take for the fields of the BOLTs, for scripts/check-fields to compare with what the BOLTs say.
//
// Messages come from the functions that read and write them. The records of the onions and of BOLT 12 are in tables
// here and in toolbox/streams.cc; a test asks the readers whether they agree.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "toolbox/streams.h"

namespace doze::toolbox {

/// The records of "payload", "encrypted_data_tlv", "onionmsg_tlv" (BOLT 4), "offer", "invoice_request", "invoice" and
/// "invoice_error" (BOLT 12); empty for any other stream.
[[nodiscard]] std::vector<StreamRecord> stream_records(std::string_view stream);
/// kind,owner,name,value: as vectors/bolt-fields.csv has them, but a field of a record names it by its type, for a name
/// may have a type in each profile.
[[nodiscard]] std::vector<std::string> field_tables();

}  // namespace doze::toolbox
