/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table at the end of a run: for each candidate the taps that tell the story, then its verdicts, causes
 * and decisions. It reads the metrics back. */
#ifndef CP_ANALYSIS_SUMMARY_H
#define CP_ANALYSIS_SUMMARY_H

#include "run/analysis.h"

extern const struct cp_analysis cp_summary_analysis;

#endif
