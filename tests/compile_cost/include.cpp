#include <lacuna/lacuna.hpp>
