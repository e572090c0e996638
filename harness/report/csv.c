/* SPDX-License-Identifier: GPL-3.0-or-later
 * One row for each candidate and tap. Names hold no comma and no quote: the experiment refuses them. */
#include "report/report.h"

#include <math.h>

/* Empty where there is none: what pandas and R read as missing. */
static void put(FILE *out, double value) {
    if (isnan(value))
        (void)fputc(',', out);
    else
        (void)fprintf(out, ",%.9g", value);
}

void cp_report_csv(const struct cp_report *r, FILE *out) {
    static const char *const towers[] = {"visual", "text", "joint"};
    (void)fputs("candidate,tower,tap,verdict,rounding_verdict", out);
    for (int part = 0; part < CP_PART_COUNT; part++)
        (void)fprintf(out, ",%s", cp_part_names[part]);
    (void)fputs(",worst_token,ulp_max,nonfinite,different", out);
    for (int f = CP_FIELD_INPUTS; f < CP_VERDICT_FIELDS; f++)
        (void)fprintf(out, ",%s%s", f == CP_FIELD_SEMANTIC ? "worst_" : "", cp_verdict_field_names[f]);
    (void)fputc('\n', out);
    for (size_t c = 0; c < r->candidates; c++)
        for (size_t t = 0; t < r->candidate[c].taps; t++) {
            const struct cp_report_tap *tap = &r->candidate[c].tap[t];
            (void)fprintf(out, "%s,%s,%s,%s,%s", r->candidate[c].name, towers[tap->tower], tap->name,
                          cp_verdict_names[(int)tap->verdict[CP_FIELD_VERDICT]],
                          cp_verdict_names[(int)tap->verdict[CP_FIELD_ROUNDING]]);
            for (int part = 0; part < CP_PART_COUNT; part++)
                put(out, tap->over_inputs.mean_rel[part]);
            put(out, tap->over_inputs.worst_token);
            put(out, tap->over_inputs.ulp_max);
            put(out, tap->over_inputs.nonfinite);
            put(out, tap->over_inputs.different);
            for (int f = CP_FIELD_INPUTS; f < CP_VERDICT_FIELDS; f++)
                put(out, tap->verdict[f]);
            (void)fputc('\n', out);
        }
}
