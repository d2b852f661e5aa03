// The map of stream IDs: beside std::map under random operations, and what it keeps to itself.
#include "core/id_map.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace plait::core {
namespace {

std::map<std::int64_t, int> sorted(const IdMap<std::int64_t, int>& map) {
  std::map<std::int64_t, int> result;
  for (const auto& [id, value] : map) EXPECT_TRUE(result.emplace(id, value).second) << "twice: " << id;
  return result;
}

TEST(IdMap, DoesWhatAMapDoes) {
  std::mt19937 random(1);
  for (const std::int64_t ids : {3, 40, 3000}) {
    IdMap<std::int64_t, int> map;
    std::map<std::int64_t, int> model;
    for (int step = 0; step < 20'000; ++step) {
      const std::int64_t id = static_cast<std::int64_t>(random()) % ids * 4;
      switch (random() % 4) {
        case 0:
          EXPECT_EQ(map.erase(id), model.erase(id) == 1);
          break;
        case 1: {
          const auto [place, added] = map.try_emplace(id, step);
          EXPECT_EQ(added, model.try_emplace(id, step).second);
          EXPECT_EQ(place->first, id);
          break;
        }
        case 2:
          map[id] = model[id] = step;
          break;
        default:
          EXPECT_EQ(map.contains(id), model.contains(id));
          if (const auto found = map.find(id); found != map.end()) {
            EXPECT_EQ(found->second, model.at(id));
          }
      }
      ASSERT_EQ(map.size(), model.size());
    }
    EXPECT_EQ(sorted(map), model);
    map.clear();
    EXPECT_TRUE(map.empty());
    EXPECT_TRUE(map.begin() == map.end());
    map[4] = 1;
    EXPECT_EQ(map.size(), 1U);
  }
}

TEST(IdMap, EntriesStayWhereTheyAreWhileItGrows) {
  IdMap<std::int64_t, int> map;
  std::vector<int*> places;
  for (int i = 0; i < 1000; ++i) places.push_back(&(map[i * 4] = i));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(&map.find(i * 4)->second, places[static_cast<std::size_t>(i)]);
}

TEST(IdMap, ErasingAtAPlaceGivesTheNextOne) {
  IdMap<std::int64_t, int> map;
  for (int i = 0; i < 100; ++i) map[i] = i;
  int kept = 0;
  for (auto at = map.begin(); at != map.end();) {
    const bool even = at->second % 2 == 0;
    kept += even ? 1 : 0;
    at = even ? std::next(at) : map.erase(at);
  }
  EXPECT_EQ(kept, 50);
  EXPECT_EQ(map.size(), 50U);
  EXPECT_FALSE(map.contains(33));
}

TEST(IdMap, WhatIsExtractedLivesOnOutside) {
  IdMap<std::int64_t, std::unique_ptr<int>> map;
  map[8] = std::make_unique<int>(5);
  ASSERT_TRUE(map.contains(8));  // the last one found, from now on
  const auto gone = map.extract(8);
  ASSERT_NE(gone, nullptr);
  EXPECT_EQ(*gone->entry.second, 5);
  EXPECT_FALSE(map.contains(8));
  EXPECT_EQ(map.extract(8), nullptr);
  EXPECT_FALSE(map.erase(8));
}

}  // namespace
}  // namespace plait::core
