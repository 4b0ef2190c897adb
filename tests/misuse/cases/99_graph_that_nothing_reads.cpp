// sentence: lacuna::model: no part of this model reads what is assigned (a graph<> is read under neighbours<N>, node_positions<N> by laplacian_position<N>, sequence_lengths under packed<> and by encoders, a token_type_view by token_types<N>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using route = lc::neighbours<64>;
#else
using route = lc::full;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, route>>>;

int main() {
  lc::model<tiny> model;
  const lc::edge edges[]{{0, 1}, {1, 0}};
  return model.try_assign(lc::graph<>{2, edges, 2}).ok() ? 0 : 1;
}
