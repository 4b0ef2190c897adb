// A space of 36 variants: how many there are, their names, and the parameters of each.
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;

using space = lc::design_space<
    lc::zoo::shipped,
    lc::vary<lc::causal, lc::causal, lc::both<lc::causal, lc::window<64>>,
             lc::both<lc::causal, lc::either<lc::columns<lc::leading<4>>, lc::window<16>>>>,
    lc::vary<lc::slots::activation, lc::relu, lc::squared_relu, lc::top_k_activation<64, lc::relu>>,
    lc::vary<lc::slots::kv_heads, lc::kv_heads<2>, lc::kv_heads<1>>,
    lc::vary<lc::rms_norm<>, lc::rms_norm<>, lc::layer_norm<>>>;
static_assert(space::size == 36);

const char* names[space::size];
lc::extent_t parameters[space::size];
void write() {
  lc::for_each_variant<space>([](auto variant) {
    names[variant.index] = variant.name.c_str();
    parameters[variant.index] = lc::parameter_count<typename decltype(variant)::recipe>;
  });
}
