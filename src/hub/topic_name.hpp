// Names of topics and patterns (spec/protocol.md §1.2).
#pragma once

#include <string_view>

namespace plait::hub {

inline constexpr std::size_t kTopicBytesMax = 256;
/// `*` in one pattern; what bounds the work of matching it.
inline constexpr std::size_t kPatternStarsMax = 4;

/// What is said of those that are not.
inline constexpr std::string_view kTopicRule =
    "not a valid topic: 1 to 256 bytes of visible ASCII, without blanks, * and ?";
inline constexpr std::string_view kPatternRule =
    "not a valid topic or pattern: 1 to 256 bytes of visible ASCII, without blanks, with at most four *";

/// 1 to kTopicBytesMax bytes of visible ASCII.
[[nodiscard]] bool is_name(std::string_view name);
/// A name with `*` (any characters, also none) or `?` (one character) in it.
[[nodiscard]] bool is_pattern(std::string_view name);
/// A name without `*` and `?`: what can be published to.
[[nodiscard]] bool is_topic(std::string_view name);
/// A name that can be subscribed to: a topic, or a pattern with at most kPatternStarsMax `*`.
[[nodiscard]] bool is_subscribable(std::string_view name);
/// False: no topic matches both patterns. True: some may, as far as what stands before the first `*` and behind the
/// last one tells.
[[nodiscard]] bool may_overlap(std::string_view pattern, std::string_view other);

}  // namespace plait::hub
