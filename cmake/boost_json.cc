// Boost.JSON without its shared library, which not every distribution splits out: compiled once here.
#include <boost/json/src.hpp>
