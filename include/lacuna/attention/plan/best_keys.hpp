#pragma once
/// What selections have in common: ascending lists, and the best of what is offered one by one.

#include <lacuna/core/maths.hpp>

LACUNA_BEGIN

/// Puts a number into an ascending list of `count` numbers, unless it is there already; how many there are then.
/// O(count), and O(1) at the end.
template <class Number>
LACUNA_HD constexpr extent_t insert_ascending(Number* list, extent_t count, Number added) {
  extent_t place = count;
  while (place > 0 && list[place - 1] > added) --place;
  if (place > 0 && list[place - 1] == added) return count;
  for (extent_t i = count; i > place; --i) list[i] = list[i - 1];
  list[place] = added;
  return count + 1;
}

/// Of keys that are offered in ascending order, the `Most` with the highest scores, the earlier of equal ones. A score
/// that is no number is no order: it counts as the highest, so that it is kept and shows in the result.
/// A heap, the worst of the kept on top: O(log Most) per offer.
template <class Value, extent_t Most>
struct best_keys {
  static constexpr extent_t most = Most;
  Value scores[Most]{};
  extent_t keys[Most]{};
  extent_t count = 0;

  LACUNA_HD constexpr void offer(Value scored, extent_t key) {
    const Value score = ordered(scored);
    extent_t at = 0;
    if (count < Most) {
      for (at = count++; at > 0 && worse(score, key, (at - 1) / 2); at = (at - 1) / 2) move(at, (at - 1) / 2);
    } else if (score > scores[0]) {
      for (extent_t child = 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && worse(scores[child + 1], keys[child + 1], child)) ++child;
        if (!(scores[child] < score || (scores[child] == score && keys[child] > key))) break;
        move(at, child);
        at = child;
      }
    } else {
      return;
    }
    scores[at] = score;
    keys[at] = key;
  }
  /// Whether a key is kept, after all were offered: a second walk over them finds the kept ones in order.
  LACUNA_HD constexpr bool keeps(Value scored, extent_t key) const {
    return count > 0 && !worse(ordered(scored), key, 0);
  }
  /// Takes the heap apart into ascending keys: O(count^2).
  LACUNA_HD constexpr void sort_by_key() {
    for (extent_t i = 0; i < count; ++i) insert_ascending(keys, i, keys[i]);
  }

 private:
  LACUNA_HD static constexpr Value ordered(Value score) {
    return maths::is_nan(score) ? maths::infinity<Value>() : score;
  }
  /// Lower, or equal and later.
  LACUNA_HD constexpr bool worse(Value score, extent_t key, extent_t than) const {
    return score < scores[than] || (score == scores[than] && key > keys[than]);
  }
  LACUNA_HD constexpr void move(extent_t to, extent_t from) {
    scores[to] = scores[from];
    keys[to] = keys[from];
  }
};

LACUNA_END
