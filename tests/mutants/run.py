#!/usr/bin/env python3
"""Each backward has one factor or sign changed in a copy of the headers; the gradient check must notice every one.

A mutation is (header, text that stands there exactly once, its replacement, recipe that uses it; or the program beside
this script that does). All mutations of a recipe are woven into one program (weave.py), which runs once per mutation,
and once without any. What cannot be woven (its types differ, or the compiler needs it) has ALONE as a fifth part, and
is compiled in headers of its own.
"""
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import proof
import weave

HERE = pathlib.Path(__file__).resolve().parent
ALONE = "alone"
MUTATIONS = [
    ("op/multiply.hpp", "return static_cast<Value>(scale * static_cast<Value>(widen(w)));",
     "return static_cast<Value>(1.001 * scale * static_cast<Value>(widen(w)));", "llama"),
    ("op/multiply.hpp", "sum += part(by2, w2[i])", "sum += part(by2, w1[i])", "llama"),
    ("op/multiply.hpp", "return static_cast<Value>(scale * widen(in));",
     "return static_cast<Value>(-scale * widen(in));", "llama"),
    ("op/multiply.hpp", "sum += part(by3, x3[i])", "sum += part(by3, x2[i])", "llama"),
    ("op/evaluate.hpp", "y(0, c) += static_cast<Value>(row.at(",
     "y(0, c) += static_cast<Value>(1.001 * row.at(", "llama"),
    ("op/embed.hpp", "gradient.row(tokens.data[t])[c] += ", "gradient.row(tokens.data[t])[c] += 0.999 * ", "gpt"),
    ("op/rotate.hpp", "backward ? -table.sine", "backward ? table.sine", "llama"),
    ("op/attend.hpp", "p * ((adjoint(p, g) - anchor) - sum)", "p * ((adjoint(p, g) - anchor) - 1.001 * sum)", "llama"),
    ("op/attend.hpp", "sum = -maths::exp(-kept) * anchor", "sum = -1.01 * maths::exp(-kept) * anchor", "normalisers"),
    ("op/feature_pairs.hpp", "weight *= shrink, dweight *= shrink", "dweight *= shrink", "features"),
    ("op/feature_pairs.hpp", "dweight = through_denominator", "dweight = 1.001 * through_denominator", "features"),
    ("op/scan.hpp", "through_denominator -= through[d] * out[d]", "through_denominator -= 1.001 * through[d] * out[d]",
     "features"),
    ("op/scan.hpp", "const Value shrink = maths::exp(to - from)", "const Value shrink = maths::exp(from - to)", "features"),
    ("attention/schedule/state_scan.hpp", "op::scan_backward(dquery, dkey, dvalue,",
     "op::scan_backward(dquery, dvalue, dkey,", "features"),
    ("attention/schedule/feature_pairs.hpp", "op::feature_pairs_backward(dquery, dkey, dvalue,",
     "op::feature_pairs_backward(dquery, dvalue, dkey,", "features"),
    ("op/scan.hpp", "dphi[r] = turned.totals_of(kv)[r]", "dphi[r] = -turned.totals_of(kv)[r]", "features"),
    ("attention/attention.hpp", "apply_positions(dquery, dkey, d, true, run)", "apply_positions(dquery, dkey, d, false, run)",
     "row_classes"),
    ("attention/schedule/row_classes.hpp", "of.global_value.first(tokens), mixed, dmixed, dglobal_query",
     "of.global_value.first(tokens), mixed, mixed, dglobal_query", "row_classes"),
    ("attention/project/by_class.hpp", "derived.global_key, x, adjoint.global_key.first(tokens), dx, run)",
     "derived.global_key, x, adjoint.global_value.first(tokens), dx, run)", "row_classes"),
    ("attention/project/by_class.hpp", "slice(from, count), dx.slice(from, count), run)",
     "slice(from, count), dx.slice(0, count), run)", "row_classes"),
    ("op/corrected_scan.hpp", "through[d] = dout[d] * saved.share(t, h)", "through[d] = 1.001 * dout[d] * saved.share(t, h)",
     "corrected"),
    ("op/corrected_scan.hpp", "const Value ds = exact * g", "const Value ds = 1.001 * exact * g", "corrected"),
    ("op/corrected_scan.hpp", "+= (exact - estimate) * dout[d]", "+= exact * dout[d]", "corrected"),
    ("op/corrected_scan.hpp", "dphi[r] -= g * unit * of_key[r]", "dphi[r] += g * unit * of_key[r]", "corrected"),
    ("op/corrected_scan.hpp", "dof_key[r] -= g * unit * phi[r]", "dof_key[r] -= 1.001 * g * unit * phi[r]", "corrected"),
    ("attention/schedule/corrected_scan.hpp", "op::append_backward(readable(cache_of(a.state)), dkey, dvalue,",
     "op::append_backward(readable(cache_of(a.state)), dvalue, dkey,", "corrected"),
    ("op/features.hpp", "along -= phi[Directions + r] * dphi", "along += phi[Directions + r] * dphi", "features"),
    ("op/features.hpp", "dx[d] -= through_square * shrink * shrink", "dx[d] -= through_square * shrink",
     "features"),
    ("op/features.hpp", "if (x[d] > 0) dx[d] += dphi[d]", "if (x[d] > 0) dx[d] += 1.001 * dphi[d]", "features"),
    ("attention/project/shared_query_key.hpp", "op::evaluate(ds, ds - row_mean(ds), run.backend);",
     "op::evaluate(ds, ds - 1.001 * row_mean(ds), run.backend);", "shared_projections"),
    ("attention/project/shared_query_key.hpp", "op::evaluate(ds, r * unit<Value>() * (dk - s",
     "op::evaluate(ds, r * unit<Value>() * (dk + s", "shared_projections"),
    ("attention/project/separate.hpp", "derived.value, x, dvalue, dx,", "derived.value, x, dkey, dx,", "llama"),
    ("attention/gate/sigmoid_gate.hpp", "(share * (Value(1) - share)", "(share * (Value(1) + share)", "gates"),
    ("attention/gate/sigmoid_gate.hpp", "split_columns<heads>(dmixed) * share, run", "split_columns<heads>(dmixed), run",
     "gates"),
    ("attention/schedule/planned_by_head.hpp", "gather_head(own_dquery, dquery, h);",
     "gather_head(own_dquery, query, h);", "dynamic"),
    ("attention/schedule/planned_by_head.hpp", "m.plans[h].view(), rule", "m.plans[0].view(), rule", "dynamic"),
    ("op/mix_rows.hpp", "out[c] += scale * d[c]", "out[c] += 1.001 * scale * d[c]", "sources"),
    ("op/mix_rows.hpp", "sum += d[c] * in[c]", "sum += 1.001 * d[c] * in[c]", "sources"),
    ("op/summarise.hpp", "((adjoint(token) - anchor) - mean)", "((adjoint(token) - anchor) - 1.01 * mean)", "sources"),
    ("op/summarise.hpp", "dasks[d] += dscore * span.key(token, d)", "dasks[d] += 1.001 * dscore * span.key(token, d)",
     "sources"),
    ("op/summarise.hpp", "dk[d * block_keys] += dscore * asks[d]", "dk[d * block_keys] += 1.001 * dscore * asks[d]",
     "sources"),
    ("op/summarise.hpp", "+= weight * datom_value[", "+= 1.001 * weight * datom_value[", "sources"),
    ("op/summarise.hpp", "] += datom_key[d * block_keys]", "] += 1.001 * datom_key[d * block_keys]", "sources"),
    ("op/summarise.hpp", "dquery(asking[d], h * HeadWidth + d) += dasks[d]",
     "dquery(begin, h * HeadWidth + d) += dasks[d]", "sources"),
    ("attention/source/low_rank.hpp", "op::mix_rows_backward(dvalue, of_values(a.gradients)",
     "op::mix_rows_backward(dvalue, a.gradients.key_mix", "sources"),
    ("attention/source/learned_sinks.hpp", "a.gradients.sink_keys.view(), a.gradients.sink_values.view()",
     "a.gradients.sink_values.view(), a.gradients.sink_keys.view()", "sources"),
    ("attention/schedule/planned_sources.hpp", "place_of<Value>(dcache), dquery, dkey, dvalue, run)",
     "place_of<Value>(dcache), dquery, dvalue, dkey, run)", "sources"),
    ("attention/schedule/planned_sources.hpp", "op::append_backward(readable(cache_of(a.state.kept)), dkey, dvalue,",
     "op::append_backward(readable(cache_of(a.state.kept)), dvalue, dkey,", "sources"),
    ("op/attend_edges.hpp", "sum = -maths::exp(-kept) * anchor", "sum = -1.01 * maths::exp(-kept) * anchor", "graphs"),
    ("op/attend_edges.hpp", "sum += p * (g - anchor)", "sum += 1.001 * p * (g - anchor)", "graphs"),
    ("op/attend_edges.hpp", "dk[d] += bent * q[d]", "dk[d] -= bent * q[d]", "graphs"),
    ("op/attend_edges.hpp", "dbend[d] += ds * q[d] * k[d]", "dbend[d] += 1.001 * ds * q[d] * k[d]", "graphs"),
    ("op/attend_edges.hpp", "dv[d] += p * dout[d]", "dv[d] += 1.001 * p * dout[d]", "graphs"),
    ("attention/schedule/clustered.hpp", "op::evaluate(dout, dout * share_of(m, tokens, h), run.backend);", "", "clusters"),
    ("attention/schedule/clustered.hpp", "gather(d, dquery, dkey, dvalue, h);", "gather(d, dquery, dvalue, dkey, h);",
     "clusters"),
    ("attention/schedule/clustered.hpp", "clear(d.keys), clear(d.values);", "", "clusters"),
    ("attention/schedule/clustered.hpp", "op::dispatch_backward(d.key.first(tokens), own_dkey",
     "op::dispatch(d.key.first(tokens), own_dkey", "clusters"),
    ("attention/schedule/along_edges.hpp", "    dmodulation.fill(0);\n", "", "graphs"),
    ("attention/schedule/mean_of_branches.hpp", "shared_out(t, c) = share * dmixed(t, c)",
     "shared_out(t, c) = 1.001 * share * dmixed(t, c)", "branched"),
    ("attention/schedule/mean_of_branches.hpp", "adjoints{gradients, a.state.tiles, down}, query, shared_out, dquery, run)",
     "adjoints{gradients, a.state.tiles, down}, query, dmixed, dquery, run)", "branched"),
    ("attention/schedule/mean_of_branches.hpp", "adjoints{gradients, a.state.tiles, down}, dkey, dvalue, run)",
     "adjoints{gradients, a.state.tiles, down}, dvalue, dkey, run)", "branched"),
    ("attention/schedule/mean_of_branches.hpp", "shared_out, dquery, dkey, dvalue, run);",
     "shared_out, dquery, dvalue, dkey, run);", "branched"),
    ("position/laplacian_position.hpp", "op::sum_over_tokens(gradients.bias, dx,",
     "op::sum_over_tokens(gradients.bias, dx * 1.001,", "graphs"),
    ("position/laplacian_position.hpp", "op::accumulate_outer(gradients.weight, positions_of<Value>(dx.count, run), dx,",
     "op::accumulate_outer(gradients.weight, positions_of<Value>(dx.count, run), rows<Value, Width>{dx.data, 1},", "graphs"),
    ("op/attend.hpp", "through_sum += g", "through_sum += 1.001 * g", "normalisers"),
    ("attention/normaliser/clamped_softmax.hpp", "maths::where(maths::less(score, limit), Value(1), Value(0))",
     "maths::where(maths::less(score, limit), Value(1.001), Value(0))", "normalisers"),
    ("attention/normaliser/clipped_softmax.hpp", "const Value slope = Value(Stretch.high)",
     "const Value slope = Value(1.001f * Stretch.high)", "normalisers"),
    ("attention/normaliser/l2_gelu.hpp", "scaled * Value(-0.5)", "scaled * Value(0.5)", "normalisers"),
    ("attention/normaliser/l2_gelu.hpp", "return score + score", "return score", "normalisers"),
    ("op/attend.hpp", "dk[d * block_keys + j] += ds * q[d]", "dk[d * block_keys + j] += 1.001 * ds * q[d]", "llama"),
    ("op/attend.hpp", "dv[cache_type::value_at(j, d)] += weight", "dv[cache_type::value_at(j, d)] -= weight", "llama"),
    ("op/attend.hpp", "dkey(t, h * HeadWidth + d) += ", "dkey(t, h * HeadWidth + d) -= ", "llama"),
    ("norm/rms_norm.hpp", "op::sum_over_tokens(gradients.gain, dy * x * r", "op::sum_over_tokens(gradients.gain, dy * x * r * 1.001",
     "llama"),
    ("norm/rms_norm.hpp", "dx + r * (dy * parameters.gain - x", "dx + r * (dy * parameters.gain + x", "llama"),
    ("norm/layer_norm.hpp", "dx + r * (g - row_mean(g) - n", "dx + r * (g - row_mean(g) + n", "gpt"),
    ("norm/layer_norm.hpp", "op::sum_over_tokens(gradients.shift, dy,", "op::sum_over_tokens(gradients.shift, dy * 1.001,",
     "gpt"),
    ("norm/plain_layer_norm.hpp", "(dy - row_mean(dy) - n", "(dy - row_mean(dy) + n", "skipped"),
    ("norm/no_norm.hpp", "op::evaluate(dx, dx + dy", "op::evaluate(dx, dx - dy", "placements"),
    ("position/learned_position.hpp", "gradient + dx", "gradient - dx", "gpt"),
    ("format/projection.hpp", "run.sum_over_tokens(gradients.bias, dy,", "run.sum_over_tokens(gradients.bias, dy * 1.001,",
     "gpt"),
    ("activation/applied.hpp", "d * map_derivative<Activation>(x)", "1.001 * d * map_derivative<Activation>(x)", "gpt"),
    ("ffn/plain.hpp", "v.derived.down, activated, dy, dup, run)", "v.derived.down, up, dy, dup, run)", "gpt"),
    ("ffn/plain.hpp", "v.memory.activation, up, activated, dup, run)",
     "v.memory.activation, activated, activated, dup, run)", "gpt"),
    ("ffn/gated.hpp", "op::evaluate(dup, dgate * map<Activation>(gate)", "op::evaluate(dup, -dgate * map<Activation>(gate)",
     "llama"),
    ("ffn/gated.hpp", "dgate * up * map_derivative", "1.001 * dgate * up * map_derivative", "llama"),
    ("block/residual_block.hpp", "inner::backward(v, a, x, dy, dx, run);\n    op::evaluate(dx, dx + dy, run.backend)",
     "inner::backward(v, a, x, dy, dx, run);\n    op::evaluate(dx, dx + 1.001 * dy, run.backend)", "llama"),
    ("block/residual_block.hpp", "rows<Value, At::width> dx, const Run& run) {\n    op::evaluate(dx, dx + dy, run.backend)",
     "rows<Value, At::width> dx, const Run& run) {\n    op::evaluate(dx, dx - dy, run.backend)", "skipped"),
    ("block/post_norm.hpp", "op::evaluate(dx, dx + dsum, run.backend)", "op::evaluate(dx, dx - dsum, run.backend)", "mixed"),
    ("block/post_norm.hpp", "op::evaluate(dx, dx + Setting::scale * dsum", "op::evaluate(dx, dx + dsum", "placements"),
    ("block/branch.hpp", "in, dresult, din, run)", "in, dy, din, run)", "placements"),
    ("block/branch.hpp", "m.after_part.inner.first(x.count), dy, dresult, run)", "in, dy, dresult, run)", "placements"),
    ("block/parallel.hpp", "op::evaluate(dx, dx + dy, run.backend)", "op::evaluate(dx, dx + 1.001 * dy, run.backend)",
     "placements"),
    ("block/parallel.hpp", "m.stem_part.norm_part, x, din, dx, run)", "m.stem_part.norm_part, x, dy, dx, run)",
     "placements"),
    ("block/chain.hpp", "Links::template each<true>(", "Links::template each<false>(", "llama"),
    ("block/shared.hpp", "Link::join(own_part[i], common_part); }\n  LACUNA_HD constexpr auto operator[](extent_t i) const",
     "Link::join(own_part[0], common_part); }\n  LACUNA_HD constexpr auto operator[](extent_t i) const", "placements"),
    ("model/trunk.hpp", "m.embedded.first(count), dentered, dembedded, run)",
     "entered, dentered, dembedded, run)", "placements"),
    ("activation/relu.hpp", "x), Value(1), Value(0))", "x), Value(1.001), Value(0))", "mixed"),
    ("activation/relu.hpp", "return Value(2) * relu::value(x)", "return Value(2.002) * relu::value(x)", "mixed"),
    ("activation/sigmoid.hpp", "return s * (Value(1) - s)", "return s * (Value(1.001) - s)", "mixed"),
    ("activation/sigmoid.hpp", "return s * (Value(1) + x", "return s * (Value(1) - x", "llama"),
    ("core/erf_gelu.hpp", "return cumulative(x) + x * Value(0.398942280401432677940)", "return cumulative(x) + x * Value(0.4)",
     "mixed"),
    ("op/convolve_rows.hpp", "dx(source, c) += ", "dx(t, c) += ", "enhanced"),
    ("op/convolve_rows.hpp", "dweight.row(c)[u] += dy", "dweight.row(c)[u] += 1.001 * dy", "enhanced"),
    ("attention/gate/local_enhancement.hpp", "op::sum_over_tokens(gradients.local.bias, dmixed,",
     "op::sum_over_tokens(gradients.local.bias, dmixed * 1.001,", "enhanced"),
    ("core/erf_gelu.hpp", "return cumulative(x) + x", "return cumulative(x) - x", "maps_of_tokens"),
    ("format/parameter_tokens.hpp", "(1 / (factor * factor))", "(1 / factor)", "maps_of_tokens"),
    ("format/parameter_tokens.hpp", "scale * (d - z", "scale * (d + z", "maps_of_tokens"),
    ("format/parameter_tokens.hpp", "run.accumulate_outer(gradients.key, d, x)",
     "run.accumulate_outer(gradients.key, memory.scores.first(x.count), x)", "maps_of_tokens"),
    ("ffn/pattention.hpp", "a.memory, v.derived, x, dy, dx, run)", "a.memory, v.derived, dy, dy, dx, run)",
     "maps_of_tokens"),
    ("op/multiply_active.hpp", "to[i] += static_cast<Value>(scale * static_cast<Value>(widen(w[i])))",
     "to[i] += static_cast<Value>(1.001 * scale * static_cast<Value>(widen(w[i])))", "active"),
    ("op/multiply_active.hpp", "to[i] += static_cast<Value>(scale * widen(in[i]))",
     "to[i] -= static_cast<Value>(scale * widen(in[i]))", "active"),
    ("op/multiply_active.hpp", "dh(t, u) += static_cast<Value>(sum)", "dh(t, u) += static_cast<Value>(1.001 * sum)", "active"),
    ("op/multiply_active.hpp", "to[u] += static_cast<Value>(scale * widen(from[u]))",
     "to[u] += static_cast<Value>(1.001 * scale * widen(from[u]))", "active"),
    ("ffn/skips_zeros.hpp", "run.multiply_transposed(dx, dy, parameters.weight)",
     "run.multiply_transposed(dx, x.count > 0 ? rows<const Output, Outputs>() : dy, parameters.weight)", "active"),
    ("format/thresholded.hpp", "run.multiply_some_inputs_transposed(dx, dy, derived.by_input, lists)",
     "run.multiply_transposed(dx, dy, parameters.weight)", "active"),
    ("format/thresholded.hpp", "run.accumulate_some_inputs(gradients.weight, dy, x, lists)",
     "run.accumulate_outer(gradients.weight, dy, x)", "active"),
    ("op/multiply_quantized.hpp", "to[i] += scale * static_cast<Value>(w[i])",
     "to[i] += 1.001 * scale * static_cast<Value>(w[i])", "quantized"),
    ("op/multiply_quantized.hpp", "* sum_of_products<Value>(weight.row(o), x.row(t), Inputs)",
     "* sum_of_products<Value>(weight.row(o), x.row(0), Inputs)", "quantized"),
    ("ffn/predicted.hpp", "dup * up * map_derivative<inner>(gate)", "1.001 * dup * up * map_derivative<inner>(gate)", "active"),
    ("ffn/predicted.hpp", "op::evaluate(dup, dup * map<inner>(gate)", "op::evaluate(dup, -dup * map<inner>(gate)", "active"),
    ("ffn/predicted.hpp", "dup * map_derivative<inner>(up)", "1.001 * dup * map_derivative<inner>(up)", "active"),
    ("ffn/predicted.hpp", "op::sum_over_tokens(a.gradients.down.bias, dy,", "op::sum_over_tokens(a.gradients.down.bias, dy * 1.001,",
     "active"),
    ("ffn/predicted.hpp", "op::sum_over_tokens(gradients.bias, dy,", "op::sum_over_tokens(gradients.bias, dy * 1.001,", "active"),
    ("activation/gelu.hpp", "slope * (s * (Value(1) - s))", "slope * (s * (Value(1.001) - s))", "gpt"),
    ("activation/poly_relu.hpp", "row_sum(d * r * r * r)", "row_sum(d * r * r)", "rows"),
    ("activation/poly_relu.hpp", "3 * parameters.cubic * r", "2 * parameters.cubic * r", "rows"),
    ("activation/poly_norm.hpp", "row_sum(d * n2)", "row_sum(1.001 * d * n2)", "rows"),
    ("activation/poly_norm.hpp", "(d - n3 * row_mean", "(d + n3 * row_mean", "rows"),
    ("activation/top_k_activation.hpp", "where_nonzero(d * map_derivative<Inner>(x), y)", "d * map_derivative<Inner>(x)", "rows"),
    ("ffn/gated.hpp", "op::evaluate(dgate, where_nonzero(dgate, product)", "op::evaluate(dgate, dgate * 1", "rows"),
    ("ffn/gated.hpp", "op::evaluate(dgate, dgate * up, run", "op::evaluate(dgate, dgate * up * 1.001, run", "rows"),
    ("op/choose_experts.hpp", "gate(t, j) * ((dgate(t, j) - anchor) - sum)", "gate(t, j) * ((dgate(t, j) - anchor) + sum)",
     "mixtures"),
    ("op/choose_experts.hpp", "probability(t, e) * (difference(e) - sum)", "1.001 * probability(t, e) * (difference(e) - sum)",
     "mixtures"),
    ("op/dispatch.hpp", "+= dto(r, c)", "+= 1.001 * dto(r, c)", "mixtures"),
    ("op/dispatch.hpp", "sum += dy(t, c) * from(r, c)", "sum += 1.001 * dy(t, c) * from(r, c)", "mixtures"),
    ("op/dispatch.hpp", "dfrom(r, c) = g * dy(t, c)", "dfrom(r, c) = dy(t, c)", "mixtures"),
    ("ffn/auxiliary_loss.hpp", "(difference(e) - sum)", "(difference(e) + sum)", "mixtures"),
    ("ffn/auxiliary_loss.hpp", "2 * scale * static_cast<double>(of.log_sum", "scale * static_cast<double>(of.log_sum",
     "mixtures"),
    ("ffn/mixture.hpp", "scale * static_cast<double>(Losses::weight), dscore", "scale, dscore", "mixtures"),
    ("block/tapped.hpp", "run.evaluate(total, dy + of_tap)", "run.evaluate(total, dy)", "tapped_rows"),
    ("block/tapped.hpp", "a, x, total, dx, run)", "a, x, dy, dx, run)", "tapped_rows"),
    ("activation/tapped_activation.hpp", "run.evaluate(d, d + of_tap)", "run.evaluate(d, d + 1.001 * of_tap)", "tapped_rows"),
    ("block/adapted.hpp", "run.evaluate(dbetween, dbetween + dy)", "run.evaluate(dbetween, dbetween + 1.001 * dy)", "adapters"),
    ("block/adapted.hpp", "a.memory.adapter_part}, between, dy,", "a.memory.adapter_part}, x, dy,", "adapters"),
    ("block/recomputed.hpp", "block::forward(of_block, x,", "block::forward(of_block, dy,", "recomputed_blocks"),
    ("block/recomputed.hpp", "block::backward(of_block, a, x,", "block::backward(of_block, a, dx,", "recomputed_blocks"),
    ("train/loss/alignment.hpp", "slope = -2 * weight / scale", "slope = -weight / scale", "tapped_rows"),
    ("train/loss/alignment.hpp", "share = both / predicted_square", "share = 1.001 * both / predicted_square",
     "tapped_rows"),
    ("train/loss/alignment.hpp", "whole - (sums[i] + sums[j]) / less", "whole - 1.001 * (sums[i] + sums[j]) / less",
     "tapped_rows"),
    ("train/loss/square_head.hpp", "adjoint, weight * scale)", "adjoint, weight)", "tapped_rows"),
    ("train/loss/mean_squared_error.hpp", "weight * 2 * difference", "weight * difference", "tapped_rows"),
    ("train/loss/density_penalty.hpp", "weight * 2 * a * epsilon", "weight * 2 * a", "tapped_rows"),
    ("train/loss/soft_cross_entropy.hpp", "difference = mass * q -", "difference = q -", "losses"),
    ("train/loss/soft_cross_entropy.hpp", "slope = weight * temperature / tokens", "slope = weight / tokens", "losses"),
    ("train/loss/kl_divergence.hpp", "maths::exp(log_q) - p", "maths::exp(log_q) - 1.001 * p", "losses"),
    ("train/loss/kl_divergence.hpp", "slope = weight * temperature / tokens", "slope = weight / tokens", "losses"),
    ("train/loss/info_nce.hpp", "anchor_radial[i] += share", "anchor_radial[i] += 1.001 * share", "losses"),
    ("train/loss/info_nce.hpp", "partner_radial[j] += share", "partner_radial[j] -= share", "losses"),
    ("train/loss/info_nce.hpp", "- (i == j ? 1.0 : 0.0)", "- (i == j ? 1.001 : 0.0)", "losses"),
    ("train/loss/info_nce.hpp", "slope * my_factors[i] * along", "slope * along", "losses"),
    ("model/pooling/mean_pooling.hpp", "dy.slice(s, 1) * (Value(1) /", "dy.slice(s, 1) * (Value(1.001) /", "mean_encoding"),
    ("model/pooling/mean_pooling.hpp", "for (extent_t t = first; t < last", "for (extent_t t = first + 1; t < last",
     "mean_encoding"),
    ("model/pooling/first_token.hpp", "first + dy.slice(s, 1)", "first - dy.slice(s, 1)", "first_encoding"),
    ("model/pooling/first_token.hpp", "dx.slice(table.start(s), 1)", "dx.slice(s, 1)", "first_encoding"),
    ("model/pooling/sequence_pooling.hpp", "(through(t, 0) - mean)", "(through(t, 0) + mean)",
     "learned_encoding"),
    ("model/pooling/sequence_pooling.hpp", "adjoint * p + parameters.weight * ds", "adjoint * p", "learned_encoding"),
    ("model/pooling/sequence_pooling.hpp", "gradients.weight, x.slice(t, 1) * ds", "gradients.weight, x.slice(t, 1) * p",
     "learned_encoding"),
    ("model/token_types.hpp", "gradient + dx.slice(t, 1)", "gradient + dx.slice(t, 1) * Value(1.001)", "mean_encoding"),
    ("model/token_types.hpp", "gradients.weight.view().slice(types.of[run.first + t], 1)",
     "gradients.weight.view().slice(types.of[run.first], 1)", "mean_encoding"),
    ("model/trunk.hpp", "a.gradients.token_types_part, dembedded", "a.gradients.token_types_part, dentered", "mean_encoding"),
    ("position/restarting.hpp", "inner::apply(part, backward, own)", "inner::apply(part, false, own)", "packed_sequences"),
    ("position/restarting.hpp", "inner::backward(gradients, part, own)",
     "inner::backward(gradients, dx.slice(0, part.count), own)", "packed_sequences"),
    ("model/window/instance_norm.hpp", "op::evaluate(dout, dy / memory", "op::evaluate(dout, Value(1.001) * dy / memory",
     "inverted"),
    ("model/window/instance_norm.hpp", "n * row_mean(dn * n)", "n * row_mean(dn)", "inverted"),
    ("model/window/instance_norm.hpp", "(row_sum(dy) + n * row_sum(dy * out))", "(row_sum(dy) - n * row_sum(dy * out))",
     "inverted"),
    ("model/window/instance_norm.hpp", "op::evaluate(dout, dy, run.backend)",
     "op::evaluate(dout, Value(1.001) * dy, run.backend)", "inverted_plain"),
    ("model/window/window_input.hpp", "v.memory.series_part.first(series), dembedded, dx, run)",
     "dx, dembedded, dx, run)", "inverted_plain"),
    ("model/regressor.hpp", "dnormed.slice(0, variates)", "dnormed.slice(1, variates)", "inverted"),
    ("format/masked.hpp", "if (parameters.mask[i] == 0) gradients.weight[i] = 0",
     "if (parameters.mask[i] == 0) gradients.weight[i] *= 1.001", "masked"),
    ("format/masked.hpp", "? adjoint.outer[i] : share * adjoint.outer[i]",
     "? adjoint.outer[i] : adjoint.outer[i] * 1", "masked"),
    ("op/transpose.hpp", "y(i, j) += static_cast<Value>(", "y(i, j) -= static_cast<Value>(", "inverted"),
]


def build(include, recipe, program):
    # The compiler is not what is tried here: the one that takes the least time.
    compiler = next(iter(proof.clangs().values()), proof.gxx())
    own = HERE / f"{recipe}.cpp"
    return proof.run([compiler, "-std=c++20", "-O0", "-DLACUNA_TESTS_SANITIZED=0", f"-DRECIPE={recipe}",
                      f"-I{HERE.parent}", f"-I{include}", own if own.exists() else HERE / "check.cpp", "-o", program])


def verdict(ran):
    """Whether a program says that its gradients are wrong, and what else it said."""
    return ran.returncode == 1, f"exit code {ran.returncode}, expected 1: {ran.stdout}"


def woven_program(job):
    """One program of a recipe with all its mutations: what the compiler said if it failed."""
    recipe, mutations, folder = job
    include = folder / recipe / "include"
    shutil.copytree(proof.INCLUDE, include)
    by_header = {}
    for number, header, old, new in mutations:
        by_header.setdefault(header, []).append((number, old, new))
    for header, changes in by_header.items():
        path = include / "lacuna" / header
        try:
            path.write_text(weave.weave(path.read_text(), changes))
        except weave.CannotWeave as why:
            return f"{header}: cannot be woven ({why}); mark such a mutation ALONE"
    built = build(include, recipe, folder / recipe / "check")
    return built.stdout[:4000] or "the compiler failed" if built.returncode != 0 else ""


def try_alone(job):
    number, header, old, new, recipe, folder = job
    folder = folder / f"alone_{number}"
    include = folder / "include"
    shutil.copytree(proof.INCLUDE, include)
    path = include / "lacuna" / header
    path.write_text(path.read_text().replace(old, new))
    built = build(include, recipe, folder / "check")
    if built.returncode != 0:
        return False, "the mutant does not compile:\n" + built.stdout[:2000]
    return verdict(proof.run([folder / "check"]))


def main():
    tally = proof.Tally()
    verdicts, woven, alone = {}, {}, []
    for number, (header, old, new, recipe, *how) in enumerate(MUTATIONS, 1):
        woven.setdefault(recipe, [])
        found = (proof.INCLUDE / "lacuna" / header).read_text().count(old)
        if found != 1:
            verdicts[number] = False, f"expected the text to mutate exactly once, found it {found} times: {old}"
        elif how == [ALONE]:
            alone.append((number, header, old, new, recipe))
        else:
            woven[recipe].append((number, header, old, new))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        builds = proof.in_parallel(woven_program, [(recipe, some, folder) for recipe, some in woven.items()])
        runs = []
        for (recipe, some), problem in zip(woven.items(), builds):
            if problem:
                verdicts.update({number: (False, f"the mutants of {recipe} do not compile") for number, *_ in some})
                tally.check(False, f"without a mutation the gradients of {recipe} are right", problem)
            else:
                runs += [(recipe, number) for number in [0, *(number for number, *_ in some)]]
        programs = proof.in_parallel(lambda run: proof.run([folder / run[0] / "check", run[1]]), runs)
        for (recipe, number), ran in zip(runs, programs):
            if number == 0:
                tally.check(ran.returncode == 0, f"without a mutation the gradients of {recipe} are right", ran.stdout)
            else:
                verdicts[number] = verdict(ran)
        for job, result in zip(alone, proof.in_parallel(try_alone, [(*job, folder) for job in alone])):
            verdicts[job[0]] = result
    for number, (header, _, new, *_) in enumerate(MUTATIONS, 1):
        tally.check(verdicts[number][0], f"{header}: a wrong backward is noticed ({' '.join(new.split())[:60]})",
                    verdicts[number][1])
    tally.finish()


main()
