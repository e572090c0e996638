/* SPDX-License-Identifier: GPL-3.0-or-later
 * A candidate of two small towers, made by hand, and what is said of it. */
#ifndef CP_TESTS_SUPPORT_REPORT_H
#define CP_TESTS_SUPPORT_REPORT_H

#include "report/data/difference.h"
#include "report/data/words.h"
#include "report/html/html.h"

enum { LAYERS = 4, MOST = 40 };

extern struct cp_report_tap report_taps[MOST];
extern struct cp_report small_report;
extern struct cp_report_candidate report_candidate;
extern char summary_text[CP_REPORT_SUMMARY];

struct cp_report_tap *add_tap(enum cp_tower tower, enum cp_point point, int layer);

/* Two towers of LAYERS blocks in which norm, activation and block output were recorded. */
int make_report(void **state);

struct cp_report_tap *find_tap(enum cp_tower tower, enum cp_point point, int layer);

/* Taps from one on in a tower differ so. */
void differ_from(struct cp_report_tap *from, enum cp_verdict verdict, double total, double rounding);

/* A tap's rounding is judged so over so many inputs, of which the ratio was seen. */
void judge_fields(double fields[CP_VERDICT_FIELDS], enum cp_verdict verdict, double inputs, double ratio);

/* All taps but the embeddings, by themselves too, over so many inputs. */
void judge_all_taps(enum cp_verdict verdict, double inputs, double ratio);

void assert_summary(const char *expected);

/* The card of the candidate: its class, and what stands on it. Freed by the next. */
const char *summary_card(void);

void assert_card(const char *class, const char *words);

#endif
