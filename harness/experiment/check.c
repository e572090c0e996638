/* SPDX-License-Identifier: GPL-3.0-or-later
 * The rules that `clip-parity check` holds a run to. */
#include "experiment/read.h"

#include "base/glob.h"

#include <string.h>

const char *const cp_check_names[CP_CHECK_KINDS] = {"bits",         "maths", "ratio", "worst_token", "ulp",
                                                    "inconclusive", "rtol",  "atol",  "flips",       "kl"};

static const char decisions[] = "decisions";

static bool of_decisions(enum cp_check_kind kind) {
    return kind == CP_CHECK_FLIPS || kind == CP_CHECK_KL;
}

static bool of_tolerance(enum cp_check_kind kind) {
    return kind == CP_CHECK_RTOL || kind == CP_CHECK_ATOL;
}

static const char *numbers_of(enum cp_check_kind kind) {
    return of_tolerance(kind) ? "off or a number of 0 or more" : "auto, off or a number";
}

/* ---- reading ---- */

static enum cp_status read_word(const struct cp_yaml *node, enum cp_check_kind kind,
                                struct cp_check_limit *limit, struct cp_error *err) {
    static const char *const words[] = {"fail", "allow", NULL};
    int word = 0;
    bool on = true;
    if (kind == CP_CHECK_INCONCLUSIVE) {
        CP_TRY(cp_yaml_choice(node, cp_check_names[kind], words, &word, err));
        on = word == 0;
    } else {
        CP_TRY(cp_yaml_boolean(node, cp_check_names[kind], &on, err));
    }
    limit->state = on ? CP_CHECK_AUTO : CP_CHECK_OFF;
    return CP_OK;
}

static enum cp_status read_limit(const struct cp_yaml *node, enum cp_check_kind kind,
                                 struct cp_check_limit *limit, struct cp_error *err) {
    const bool word = node->kind == CP_YAML_SCALAR && node->plain;
    if (kind == CP_CHECK_BITS || kind == CP_CHECK_MATHS || kind == CP_CHECK_INCONCLUSIVE)
        return read_word(node, kind, limit, err);
    limit->state = word && strcmp(node->text, "auto") == 0 && !of_tolerance(kind) ? CP_CHECK_AUTO
                   : word && strcmp(node->text, "off") == 0                       ? CP_CHECK_OFF
                                                                                  : CP_CHECK_NUMBER;
    if (limit->state != CP_CHECK_NUMBER)
        return CP_OK;
    if (cp_yaml_number(node, cp_check_names[kind], &limit->number, err) != CP_OK)
        return cp_expected(err, "%s", numbers_of(kind));
    if (!(limit->number >= (kind == CP_CHECK_RATIO ? 1 : 0)))
        return (void)cp_yaml_fail(node, cp_check_names[kind], "is out of range", err),
               cp_expected(err, kind == CP_CHECK_RATIO ? "at least 1" : "at least 0");
    return CP_OK;
}

static enum cp_status read_rule(const struct cp_yaml_entry *entry, struct cp_check_rule *rule,
                                struct cp_error *err) {
    static const char *const of_taps[] = {"bits",         "maths", "ratio", "worst_token", "ulp",
                                          "inconclusive", "rtol",  "atol",  "reason",      NULL};
    static const char *const of_images[] = {"flips", "kl", "reason", NULL};
    struct cp_marked_text reason = {0};
    CP_TRY(cp_yaml_keys(entry->value, entry->key, rule->tap ? of_taps : of_images, err));
    for (int k = 0; k < CP_CHECK_KINDS; k++) {
        const struct cp_yaml *node = cp_yaml_get(entry->value, cp_check_names[k]);
        if (node)
            CP_TRY(read_limit(node, (enum cp_check_kind)k, &rule->limit[k], err));
    }
    const struct cp_yaml *node = cp_yaml_get(entry->value, "reason");
    if (node)
        CP_TRY(cp_read_text(node, "reason", &reason, err));
    rule->reason = reason.text ? reason.text : rule->reason;
    return CP_OK;
}

/* "SUBJECT/TAP", without a subject all of them. A layer's tap name has no slash, nor has a subject's. */
static enum cp_status read_where(struct cp_experiment *experiment, const struct cp_yaml_entry *entry,
                                 struct cp_check_rule *rule, struct cp_error *err) {
    const char *slash = strchr(entry->key, '/'), *tap = slash ? slash + 1 : entry->key;
    const size_t subject = slash ? (size_t)(slash - entry->key) : 1, length = strlen(tap);
    if (subject == 0 || length == 0 || length > CP_NAME_MAX || subject > CP_NAME_MAX ||
        strspn(tap, CP_NAME_CHARACTERS ".*?") != length)
        return (void)cp_mark_fail(&entry->mark, err, "check: '%.300s' is not a rule", entry->key),
               cp_expected(err, "TAP GLOB, %s, or either behind SUBJECT GLOB/", decisions);
    rule->subject = cp_arena_printf(&experiment->arena, "%.*s", (int)subject, slash ? entry->key : "*");
    rule->where = cp_arena_printf(&experiment->arena, "%s/%s", rule->subject ? rule->subject : "", tap);
    rule->tap = strcmp(tap, decisions) == 0 ? NULL : tap;
    rule->mark = entry->mark;
    return CP_CHECK_ALLOC(rule->subject && rule->where, err, entry->mark.source, "an experiment");
}

/* A first "*", and "decisions" before any other of decisions, say more of the default itself: an experiment
 * that is printed and read back is the same. */
static size_t place_of(const struct cp_experiment *experiment, const struct cp_yaml_entry *entry) {
    if (strcmp(entry->key, "*") == 0 && experiment->check_count == 2)
        return 0;
    for (size_t r = 2; r < experiment->check_count; r++)
        if (!experiment->check[r].tap)
            return experiment->check_count;
    return strcmp(entry->key, decisions) == 0 ? 1 : experiment->check_count;
}

static enum cp_status add_rule(struct cp_experiment *experiment, const struct cp_yaml_entry *entry,
                               struct cp_error *err) {
    const size_t place = place_of(experiment, entry);
    struct cp_check_rule *rule = &experiment->check[place];
    if (place < experiment->check_count)
        return read_rule(entry, rule, err);
    CP_TRY(read_where(experiment, entry, rule, err));
    for (size_t r = 2; r < experiment->check_count; r++)
        if (strcmp(experiment->check[r].where, rule->where) == 0)
            return (void)cp_mark_fail(&entry->mark, err, "check: two rules of '%.300s'", rule->where),
                   cp_expected(err, "one");
    experiment->check_count++;
    return read_rule(entry, rule, err);
}

enum cp_status cp_read_check(struct cp_experiment *experiment, const struct cp_yaml *root,
                             const struct cp_yaml *node, struct cp_error *err) {
    const struct cp_mark nowhere = {root->mark.source, 0, 0};
    if (node)
        CP_TRY(cp_yaml_keys(node, "check", NULL, err));
    CP_TRY(CP_ARENA_CALLOC(&experiment->arena, experiment->check, (node ? node->count : 0) + 2, err,
                           nowhere.source, "an experiment"));
    experiment->check[0] = (struct cp_check_rule){"*", "*", "*", NULL, {{0}}, nowhere};
    experiment->check[1] = (struct cp_check_rule){decisions, "*", NULL, NULL, {{0}}, nowhere};
    for (int k = 0; k < CP_CHECK_KINDS; k++)
        if (!of_tolerance((enum cp_check_kind)k))
            experiment->check[of_decisions((enum cp_check_kind)k)].limit[k].state = CP_CHECK_AUTO;
    experiment->check_count = 2;
    for (size_t i = 0; node && i < node->count; i++)
        CP_TRY(add_rule(experiment, &node->entries[i], err));
    return CP_OK;
}

/* ---- use ---- */

bool cp_check_matches(const struct cp_check_rule *rule, const char *subject, const char *tap) {
    char address[96];
    if (!rule->tap != !tap || !cp_glob_match(rule->subject, subject))
        return false;
    if (!tap || cp_glob_match(rule->tap, tap))
        return true;
    cp_tap_address(tap, address);
    return cp_glob_match(rule->tap, address);
}

const struct cp_check_rule *cp_experiment_check(const struct cp_experiment *experiment, const char *subject,
                                                const char *tap, enum cp_check_kind kind) {
    size_t last = experiment->check_count - 1;
    while (experiment->check[last].limit[kind].state == CP_CHECK_UNSAID ||
           !cp_check_matches(&experiment->check[last], subject, tap))
        last--; /* ends at a default */
    return &experiment->check[last];
}

bool cp_check_says_tolerance(const struct cp_check_rule *rule) {
    return rule->limit[CP_CHECK_RTOL].state || rule->limit[CP_CHECK_ATOL].state;
}

const struct cp_check_rule *cp_experiment_tolerance(const struct cp_experiment *experiment,
                                                    const char *candidate, const char *tap,
                                                    struct cp_tolerance *tolerance) {
    for (size_t r = experiment->check_count; r-- > 0;) {
        const struct cp_check_rule *rule = &experiment->check[r];
        const struct cp_check_limit *rtol = &rule->limit[CP_CHECK_RTOL], *atol = &rule->limit[CP_CHECK_ATOL];
        if (!cp_check_says_tolerance(rule) || !cp_check_matches(rule, candidate, tap))
            continue;
        *tolerance = (struct cp_tolerance){rtol->number, atol->number};
        return rtol->state == CP_CHECK_OFF || atol->state == CP_CHECK_OFF ? NULL : rule;
    }
    return NULL;
}

/* ---- printing ---- */

static void print_limit(FILE *out, enum cp_check_kind kind, const struct cp_check_limit *limit) {
    const bool switched = kind == CP_CHECK_BITS || kind == CP_CHECK_MATHS;
    if (limit->state == CP_CHECK_NUMBER)
        cp_yaml_put_number(out, limit->number);
    else if (kind == CP_CHECK_INCONCLUSIVE)
        (void)fputs(limit->state == CP_CHECK_AUTO ? "fail" : "allow", out);
    else
        (void)fputs(limit->state == CP_CHECK_OFF ? "off" : switched ? "on" : "auto", out);
}

static void print_rule(FILE *out, const struct cp_check_rule *rule) {
    const char *between = "";
    (void)fputs("  ", out);
    cp_yaml_put_text(out, rule->where);
    (void)fputs(": {", out);
    for (int k = 0; k < CP_CHECK_KINDS; k++) {
        if (rule->limit[k].state == CP_CHECK_UNSAID)
            continue;
        (void)fprintf(out, "%s%s: ", between, cp_check_names[k]);
        print_limit(out, (enum cp_check_kind)k, &rule->limit[k]);
        between = ", ";
    }
    if (rule->reason) {
        (void)fprintf(out, "%sreason: ", between);
        cp_yaml_put_text(out, rule->reason);
    }
    (void)fputs("}\n", out);
}

void cp_print_check(FILE *out, const struct cp_experiment *experiment) {
    (void)fputs("check:\n", out);
    for (size_t r = 0; r < experiment->check_count; r++)
        print_rule(out, &experiment->check[r]);
}
