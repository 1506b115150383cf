#include "effects/words.h"

namespace doze {

DOZE_COMPILED_HERE(Effect)

}  // namespace doze
