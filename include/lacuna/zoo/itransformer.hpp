#pragma once
/// iTransformer: forecasts of several series, each of which is one token.

#include <lacuna/activation/gelu.hpp>
#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/route/full.hpp>
#include <lacuna/block/residual.hpp>
#include <lacuna/ffn/ffn.hpp>
#include <lacuna/model/regressor.hpp>
#include <lacuna/norm/layer_norm.hpp>

LACUNA_BEGIN

namespace zoo {

/// iTransformer: windows `(lookback, Variates + Covariates)` to forecasts `(horizon, Variates)`; biases everywhere, the
/// exact GELU, no positions. The defaults are those of the released code: 96 steps to 96, 512 columns, 8 heads,
/// 2 layers, 2048 neurons. Its script for ETTh1 at 96 steps says 256 columns and 256 neurons: `itransformer_etth1`.
/// Both train with Adam and dropout 0.1, which is left out here; `dropout` around the sublayers adds it and no tensor.
/// Source: Liu et al. (2024), iTransformer, arXiv 2310.06625, in the released code's form. Shown in
/// docs/museum/series.md.
template <extent_t Variates, extent_t Lookback = 96, extent_t Horizon = 96, extent_t Width = 512, extent_t Heads = 8,
          extent_t Layers = 2, extent_t Hidden = 2048, extent_t Covariates = 0>
using itransformer = regressor<
    variates<Variates>, covariates<Covariates>, lookback<Lookback>, horizon<Horizon>, width<Width>,
    repeat<Layers, post_norm<layer_norm<>, attention<heads<Heads>, full, bias>, ffn<hidden<Hidden>, gelu, bias>>>,
    layer_norm<>>;

/// The sizes of the released script for ETTh1, 96 steps to 96: seven series of an electricity transformer, and what the
/// calendar says of each step: hour, weekday, day of the month and of the year, each from -1/2 to 1/2.
using itransformer_etth1 = itransformer<7, 96, 96, 256, 8, 2, 256, 4>;

}  // namespace zoo

LACUNA_END
