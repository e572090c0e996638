/* SPDX-License-Identifier: GPL-3.0-or-later
 * Whether sanitizers or counters cost this build time and memory: limits on both are promises of the plain
 * build, and what is repeated often there is repeated less here. */
#ifndef CP_TESTS_SUPPORT_SANITIZED_H
#define CP_TESTS_SUPPORT_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(CP_COVERAGE)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

#endif
