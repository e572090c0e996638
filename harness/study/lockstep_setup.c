/* SPDX-License-Identifier: GPL-3.0-or-later
 * Making the lanes: weights packed, buffers, taps wired to their sinks, variables defined. */
#include "study/thumbnail.h"
#include "study/verdict.h"

#include <stdio.h>

struct setup {
    struct cp_lockstep *ls;
    const struct cp_study *study;
    size_t stream; /* floats of one input's residual stream, the larger of both towers */
};

/* Cleared memory that lives as long as the lockstep; NULL, with err filled, when there is none. */
static void *room(struct cp_lockstep *ls, size_t count, size_t size, struct cp_error *err) {
    void *start = cp_arena_calloc(&ls->arena, count, size);
    if (!start) {
        (void)cp_fail(err, CP_INTERNAL, "", "out of memory for a batch of %zu", ls->study->batch);
        (void)cp_expected(err, "a smaller batch");
    }
    return start;
}

#define TAKE(pointer, count, size) CP_TRY(((pointer) = room(ls, (count), (size), err)) ? CP_OK : CP_INTERNAL)

static size_t stream_floats(const struct cp_clip_config *c) {
    const size_t grid = (size_t)(c->vision.image_size / c->vision.patch_size);
    const size_t vision = (grid * grid + 1) * (size_t)c->vision.width;
    const size_t text = (size_t)c->text.context_length * (size_t)c->text.width;
    return vision > text ? vision : text;
}

static enum cp_status define_metrics(struct setup *u, size_t s, enum cp_dtype *types, int *handles,
                                     struct cp_error *err) {
    const struct cp_study *study = u->study;
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        char group[384];
        types[i] = cp_spec_site_type(study->spec[s], site);
        handles[i] = -1;
        if (!study->watched[i])
            continue;
        (void)snprintf(group, sizeof group, "/metrics/%s/%s", study->spec[s]->name, site->name);
        const struct cp_variable metrics = {
            .group = group,
            .name = "metrics",
            .long_name = "divergence of each input, split into its parts",
            .units = "1",
            .dtype = CP_FP64,
            .rank = 3,
            .dims = {cp_record_dim(site, 0, &u->ls->labels),
                     {"part", CP_PART_COUNT, cp_part_names},
                     {"metric", CP_METRIC_COUNT, cp_metric_names}},
        };
        CP_TRY(cp_result_define(u->ls->result, &metrics, &handles[i], err));
    }
    return CP_OK;
}

static enum cp_status define_decisions(struct setup *u, size_t s, struct cp_error *err) {
    struct cp_lockstep *ls = u->ls;
    if (ls->probs_site == u->study->sites.count)
        return CP_OK;
    char group[384];
    (void)snprintf(group, sizeof group, "/metrics/%s", u->study->spec[s]->name);
    const struct cp_variable decisions = {
        .group = group,
        .name = "decisions",
        .long_name = "each image's decision against the baseline's",
        .units = "1",
        .dtype = CP_FP64,
        .rank = 2,
        .dims = {{"image", u->study->inputs.images, ls->labels.images},
                 {"decision", CP_DECISION_COUNT, cp_decision_names}},
    };
    return cp_result_define(ls->result, &decisions, &ls->decisions[s], err);
}

static enum cp_status make_joint(struct setup *u, struct cp_lane *lane, struct cp_error *err) {
    struct cp_lockstep *ls = u->ls;
    const struct cp_spec *spec = lane->plan->spec;
    const struct cp_linear *linear = spec->ops->linears[cp_spec_at(spec, CP_JOINT, -1)->variant[CP_LINEAR]];
    const size_t embed = (size_t)u->study->model.config.embed_dim;
    const size_t prompts = u->study->inputs.prompts, classes = u->study->inputs.classes;
    lane->joint = (struct cp_joint){.plan = lane->plan,
                                    .taps = lane->pass.taps,
                                    .pool = ls->pool,
                                    .prompts = prompts,
                                    .classes = classes,
                                    .scratch = ls->ws.worker};
    TAKE(lane->joint.text_features, prompts * embed, sizeof(float));
    TAKE(lane->joint.class_features, classes * embed, sizeof(float));
    TAKE(lane->joint.packed_text, linear->packed_size(embed, prompts), sizeof(float));
    TAKE(lane->joint.packed_class, linear->packed_size(embed, classes), sizeof(float));
    return CP_OK;
}

/* Record first, so that execution order is the file's order; then keep or compare. */
static enum cp_status wire(struct setup *u, size_t s, struct cp_error *err) {
    struct cp_lockstep *ls = u->ls;
    const struct cp_study *study = u->study;
    struct cp_lane *lane = &ls->lanes[s];
    enum cp_dtype *types;
    int *handles;
    size_t taps = 0;
    TAKE(types, study->sites.count, sizeof *types);
    TAKE(handles, study->sites.count, sizeof *handles);
    for (size_t i = 0; i < study->sites.count; i++)
        types[i] = cp_spec_site_type(study->spec[s], &study->sites.list[i]);
    lane->recorder = (struct cp_recorder){.name = study->spec[s]->name,
                                          .dtype = CP_FP32,
                                          .types = types,
                                          .sites = &study->sites,
                                          .labels = &u->ls->labels,
                                          .modes = study->modes,
                                          .pool = ls->pool,
                                          .result = ls->result};
    CP_TRY(cp_recorder_define(&lane->recorder, &ls->arena, err));
    lane->taps[taps++] = cp_recorder_tap(&lane->recorder);
    CP_TRY(cp_keep_create(study->sites.count, ls->watch_probs, &lane->probs, err));
    lane->taps[taps++] = cp_keep_tap(&lane->probs);
    if (s == 0) {
        lane->taps[taps++] = cp_keep_tap(&ls->keep);
    } else {
        const struct cp_keep *mine = NULL, *theirs = NULL;
        if (study->oracle_count) {
            mine = &ls->oracles[study->oracle_of[s]].keep;
            theirs = &ls->oracles[study->oracle_of[0]].keep;
        }
        CP_TRY(define_metrics(u, s, types, handles, err));
        CP_TRY(define_decisions(u, s, err));
        CP_TRY(cp_verdicts_define(ls, s, err));
        lane->compare = (struct cp_compare){study->watched, types,    &ls->keep,  mine,
                                            theirs,         ls->pool, ls->result, handles};
        lane->taps[taps++] = cp_compare_tap(&lane->compare);
    }
    lane->pass.taps = (struct cp_taps){lane->taps, taps, &study->sites};
    return CP_OK;
}

static enum cp_status make_lane(struct setup *u, size_t s, struct cp_error *err) {
    struct cp_lockstep *ls = u->ls;
    struct cp_lane *lane = &ls->lanes[s];
    CP_TRY(cp_plan_create(u->study->spec[s], &u->study->model, &ls->store, &lane->plan, err));
    lane->pass = (struct cp_pass){.plan = lane->plan, .pool = ls->pool, .ws = &ls->ws};
    TAKE(lane->pass.x, u->study->batch * u->stream, sizeof(float));
    TAKE(lane->image_features, u->study->batch * (size_t)u->study->model.config.embed_dim, sizeof(float));
    CP_TRY(wire(u, s, err));
    return make_joint(u, lane, err);
}

static enum cp_status make_oracle(struct setup *u, size_t o, struct cp_error *err) {
    struct cp_lockstep *ls = u->ls;
    const struct cp_study *study = u->study;
    struct cp_oracle_lane *lane = &ls->oracles[o];
    const size_t embed = (size_t)study->model.config.embed_dim;
    char *name = cp_arena_printf(&ls->arena, "oracle.%s", study->oracle[o]->name);
    if (!name)
        return cp_fail(err, CP_INTERNAL, "", "out of memory");
    CP_TRY(cp_keep_create(study->sites.count, study->watched, &lane->keep, err));
    lane->recorder = (struct cp_recorder){.name = name,
                                          .dtype = CP_FP64,
                                          .sites = &study->sites,
                                          .labels = &u->ls->labels,
                                          .modes = study->modes,
                                          .pool = ls->pool,
                                          .result = ls->result};
    CP_TRY(cp_recorder_define(&lane->recorder, &ls->arena, err));
    lane->taps[0] = cp_recorder_tap(&lane->recorder);
    lane->taps[1] = cp_keep_tap(&lane->keep);
    lane->oracle = (struct cp_oracle){.spec = study->oracle[o],
                                      .model = &study->model,
                                      .taps = {lane->taps, 2, &study->sites},
                                      .pool = ls->pool,
                                      .scratch = &ls->scratch};
    TAKE(lane->oracle.x, study->batch * u->stream, sizeof(double));
    TAKE(lane->image_features, study->batch * embed, sizeof(double));
    TAKE(lane->text_features, study->inputs.prompts * embed, sizeof(double));
    TAKE(lane->class_features, study->inputs.classes * embed, sizeof(double));
    return CP_OK;
}

/* The tap whose probabilities decide: over the classes if the prompts came from classes, else over the
 * prompts. */
static enum cp_status choose_probs(struct cp_lockstep *ls, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    TAKE(ls->watch_probs, study->sites.count + 1, sizeof *ls->watch_probs);
    ls->probs_site = study->sites.count;
    if (study->inputs.images && study->inputs.prompts)
        ls->probs_site =
            cp_sites_find(&study->sites, CP_JOINT, study->inputs.classes ? CP_CLASS_PROBS : CP_PROBS, -1);
    ls->watch_probs[ls->probs_site] = true;
    return CP_OK;
}

enum cp_status cp_lockstep_create(const struct cp_study *study, struct cp_result *result,
                                  struct cp_pool *pool, struct cp_lockstep *ls, struct cp_error *err) {
    const size_t side = (size_t)study->model.config.vision.image_size;
    struct setup setup = {
        .ls = ls,
        .study = study,
        .stream = stream_floats(&study->model.config),
    };
    *ls = (struct cp_lockstep){
        .study = study,
        .result = result,
        .pool = pool,
        .labels = {study->inputs.image_names, study->inputs.prompt_texts, study->inputs.class_names},
    };
    CP_TRY(cp_workspace_create(&study->model.config, study->ops, study->batch, study->threads, &ls->ws, err));
    CP_TRY(cp_keep_create(study->sites.count, study->watched, &ls->keep, err));
    TAKE(ls->lanes, study->spec_count, sizeof *ls->lanes);
    TAKE(ls->oracles, study->spec_count, sizeof *ls->oracles);
    TAKE(ls->decisions, study->spec_count, sizeof *ls->decisions);
    TAKE(ls->verdicts, study->spec_count, sizeof *ls->verdicts);
    TAKE(ls->pixels, study->batch * 3 * side * side, sizeof *ls->pixels);
    CP_TRY(choose_probs(ls, err));
    CP_TRY(cp_thumbnails_define(result, &study->inputs, &study->model.config, &ls->thumbnails, err));
    for (size_t o = 0; o < study->oracle_count; o++)
        CP_TRY(make_oracle(&setup, o, err));
    for (size_t s = 0; s < study->spec_count; s++)
        CP_TRY(make_lane(&setup, s, err));
    return CP_OK;
}

void cp_lockstep_free(struct cp_lockstep *ls) {
    for (size_t s = 0; ls->lanes && s < ls->study->spec_count; s++)
        cp_keep_free(&ls->lanes[s].probs);
    for (size_t o = 0; ls->oracles && o < ls->study->oracle_count; o++)
        cp_keep_free(&ls->oracles[o].keep);
    cp_keep_free(&ls->keep);
    cp_workspace_free(&ls->ws);
    cp_packed_store_free(&ls->store);
    cp_arena_free(&ls->arena);
    cp_arena_free(&ls->scratch);
    cp_arena_free(&ls->joint_scratch);
}
