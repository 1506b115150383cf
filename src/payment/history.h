// Every row has an end: what is over stays for people until its kind has too many.
#pragma once

namespace doze::payment {

struct Work;
/// At the end of a step: rows beyond their limits go, the oldest first.
void forget_history(Work& work);

}  // namespace doze::payment
