// Tests of files that others made: where the data are missing they skip and say so.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/io/spectra_files.hpp"

/// Leaves the test where the file `name` of the test data is not there.
#define SKIP_WITHOUT(name)                                          \
  if (!std::filesystem::exists(::tianyan::test::third_party(name))) \
  GTEST_SKIP() << ::tianyan::test::third_party(name) << " is missing"
