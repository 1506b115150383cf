// The one place that compiles the JSON reader.
#include <boost/json/src.hpp>
