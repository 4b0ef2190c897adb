// A decoder as a type: composed, sized at compile time, run without a heap. On a PC:
//   g++ -std=c++20 -O2 -Iinclude examples/01_hello_decoder/main.cpp -o hello_decoder
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using hello = lc::decoder<lc::vocabulary<26>, lc::width<16>, lc::context<32>,
    lc::repeat<2, lc::pre_norm<lc::rms_norm<>,
        lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, lc::causal>,
        lc::ffn<lc::hidden<40>, lc::gated<lc::silu>>>>,
    lc::tied_head>;
static_assert(lc::parameter_count<hello> == 5'872);

lc::model<hello, lc::in_place, lc::chunk<4>> model;  // static memory: weights, cache and workspace

int main() {
  std::uint64_t counter = 0;  // no file on a device: random weights, the same on every machine
  lc::visit_tensors([&](auto& tensor) {
    for (auto& weight : tensor.data) weight = static_cast<float>(lc::random_uniform(2026, 0, counter++) - 0.5);
  }, model.parameters_to_write());
  model.update();

  lc::text_buffer<64> text;
  const std::uint32_t prompt[]{'h' - 'a', 'e' - 'a', 'l' - 'a', 'l' - 'a', 'o' - 'a'};
  for (auto token : prompt) text << static_cast<char>('a' + token);
  for (auto token : lc::generate(model, lc::token_view{prompt, 5}, {.temperature = 0.f}))
    text << static_cast<char>('a' + token);
  std::puts(text.c_str());
}
