/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CP_BASE_UTC_H
#define CP_BASE_UTC_H

#include "base/status.h"

/* "2023-11-14T22:13:20Z": now, or SOURCE_DATE_EPOCH where it is set (reproducible-builds.org). */
enum cp_status cp_utc_time(char text[32], struct cp_error *err);

#endif
