/* SPDX-License-Identifier: GPL-3.0-or-later
 * The forward pass of the public header, batch by batch, with the caller's observer as a tap. */
#include "library/internal.h"

#include "inputs/pixel_changes.h"

#include <string.h>

/* One call: its tap, and what the pass needs of it. */
struct call {
    struct clip_parity_pass *pass;
    const struct clip_parity_observer *observer; /* NULL: nobody looks on */
    float *probabilities;                        /* (images, texts), to be filled; NULL: not wanted */
    struct cp_sites sites;
    struct cp_tap tap;
    struct cp_taps taps;
};

static bool wants(void *self, const struct cp_site *site, size_t index) {
    const struct call *call = self;
    (void)index;
    return call->observer || site->point == CP_PROBS;
}

static enum cp_status visit(void *self, const struct cp_tap_event *event, struct cp_error *err) {
    const struct call *call = self;
    const struct cp_site *site = event->site;
    const size_t row = cp_site_row(site);
    if (site->point == CP_PROBS)
        memcpy(call->probabilities + event->first * row, event->data, event->inputs * row * sizeof(float));
    if (!call->observer)
        return CP_OK;
    const size_t shape[4] = {event->inputs, site->shape[1], site->shape[2], site->shape[3]};
    const struct clip_parity_tap tap = {site->name, event->first, (size_t)site->rank, shape, event->data};
    return call->observer->visit(call->observer->user, &tap) == 0
               ? CP_OK
               : cp_fail(err, CP_INTERRUPTED, site->name, "the observer ended the pass");
}

/* Only what drops patches by a seed depends on how many images there are. */
static enum cp_status update_plan(struct clip_parity_pass *pass, size_t images, struct cp_error *err) {
    const struct cp_patch_mask *mask = pass->plan->patch_mask;
    return mask && mask->images != images
               ? cp_plan_create(pass->spec, pass->weights, images, &pass->store, &pass->plan, err)
               : CP_OK;
}

static enum cp_status begin(struct call *call, size_t images, size_t texts, struct cp_error *err) {
    struct clip_parity_pass *pass = call->pass;
    cp_arena_reset(&pass->scratch);
    CP_TRY(cp_sites_create(&pass->of->model.config, images, texts, 0, &pass->scratch, &call->sites, err));
    call->tap = (struct cp_tap){wants, visit, call};
    call->taps = (struct cp_taps){&call->tap, 1, &call->sites};
    return CP_OK;
}

/* A pass over the inputs from `first` on, as many as a batch holds. */
static struct cp_pass batch_of(const struct call *call, enum cp_tower tower, size_t first, size_t count) {
    const size_t left = count - first;
    return (struct cp_pass){.plan = call->pass->plan,
                            .taps = call->taps,
                            .pool = call->pass->pool,
                            .ws = &call->pass->ws,
                            .x = call->pass->x,
                            .tower = tower,
                            .first = first,
                            .inputs = left < CP_LIBRARY_BATCH ? left : CP_LIBRARY_BATCH};
}

/* ---- images ---- */

static enum cp_status encode_images(struct call *call, const float *pixels, size_t count, float *features,
                                    struct cp_error *err) {
    struct clip_parity_pass *pass = call->pass;
    const size_t embed = (size_t)pass->of->model.config.embed_dim;
    struct cp_pixel_changes changes;
    float *changed = NULL;
    CP_TRY(cp_library_need(pass, CP_VISUAL, err));
    CP_TRY(begin(call, count, 0, err));
    CP_TRY(update_plan(pass, count, err));
    CP_TRY(cp_pixel_changes_start(pass->spec, count, &pass->scratch, &changes, err));
    CP_TRY(CP_ARENA_ALLOC(&pass->scratch, changed, CP_LIBRARY_BATCH * changes.row, err, "", "a batch"));
    for (size_t first = 0; first < count; first += CP_LIBRARY_BATCH) {
        struct cp_pass run = batch_of(call, CP_VISUAL, first, count);
        memcpy(changed, pixels + first * changes.row, run.inputs * changes.row * sizeof *changed);
        cp_pixel_changes_apply(&changes, first, run.inputs, changed, NULL);
        CP_TRY(cp_tower_run(&run, changed, features + first * embed, err));
    }
    return CP_OK;
}

enum clip_parity_status clip_parity_encode_images(struct clip_parity_pass *pass, const float *pixels,
                                                  size_t count, const struct clip_parity_observer *observer,
                                                  float *features, struct clip_parity_error *error) {
    struct cp_error err = {CP_OK, "", "", ""};
    struct call call = {.pass = pass, .observer = observer};
    return cp_library_status(encode_images(&call, pixels, count, features, &err), &err, error);
}

/* ---- texts ---- */

static enum cp_status check_ids(const struct clip_parity_pass *pass, const int32_t *ids, size_t count,
                                struct cp_error *err) {
    const struct cp_text_config *text = &pass->of->model.config.text;
    const size_t length = (size_t)text->context_length;
    for (size_t i = 0; i < count * length; i++)
        if (ids[i] < 0 || ids[i] >= text->vocab_size)
            return cp_fail(err, CP_BAD_INPUT, "", "id %d of text %zu", (int)ids[i], i / length),
                   cp_expected(err, "0 to %d", text->vocab_size - 1);
    return CP_OK;
}

static enum cp_status encode_texts(struct call *call, const int32_t *ids, size_t count, float *features,
                                   struct cp_error *err) {
    struct clip_parity_pass *pass = call->pass;
    const struct cp_clip_config *config = &pass->of->model.config;
    const size_t embed = (size_t)config->embed_dim, length = (size_t)config->text.context_length;
    int valid[CP_LIBRARY_BATCH];
    CP_TRY(cp_library_need(pass, CP_TEXT, err));
    CP_TRY(check_ids(pass, ids, count, err));
    CP_TRY(begin(call, 0, count, err));
    for (size_t first = 0; first < count; first += CP_LIBRARY_BATCH) {
        struct cp_pass run = batch_of(call, CP_TEXT, first, count);
        run.tokens = ids + first * length;
        run.valid_tokens = valid;
        for (size_t i = 0; i < run.inputs; i++)
            valid[i] = 1 + cp_text_pool_position(config, run.tokens + i * length);
        CP_TRY(cp_tower_run(&run, NULL, features + first * embed, err));
    }
    return CP_OK;
}

enum clip_parity_status clip_parity_encode_texts(struct clip_parity_pass *pass, const int32_t *ids,
                                                 size_t count, const struct clip_parity_observer *observer,
                                                 float *features, struct clip_parity_error *error) {
    struct cp_error err = {CP_OK, "", "", ""};
    struct call call = {.pass = pass, .observer = observer};
    return cp_library_status(encode_texts(&call, ids, count, features, &err), &err, error);
}

/* ---- both ---- */

static enum cp_status make_joint(const struct call *call, const float *text_features, size_t texts,
                                 struct cp_joint *joint, struct cp_error *err) {
    struct clip_parity_pass *pass = call->pass;
    const size_t embed = (size_t)pass->of->model.config.embed_dim;
    const struct cp_choice *choice = cp_spec_at(pass->spec, CP_JOINT, -1);
    const struct cp_linear *linear = pass->spec->ops->linears[choice->variant[CP_LINEAR]];
    float *copy = cp_arena_alloc(&pass->scratch, texts * embed, sizeof *copy);
    *joint = (struct cp_joint){
        .plan = pass->plan,
        .taps = call->taps,
        .pool = pass->pool,
        .prompts = texts,
        .text_features = copy,
        .packed_text = cp_arena_alloc(&pass->scratch, linear->packed_size(embed, texts), sizeof(float)),
        .scratch = pass->ws.worker};
    CP_TRY(CP_CHECK_ALLOC(copy && joint->packed_text, err, "", "%zu texts", texts));
    memcpy(copy, text_features, texts * embed * sizeof *copy);
    return cp_joint_classes(joint, err);
}

static enum cp_status probabilities(struct call *call, const float *image_features, size_t images,
                                    const float *text_features, size_t texts, struct cp_error *err) {
    struct clip_parity_pass *pass = call->pass;
    const size_t embed = (size_t)pass->of->model.config.embed_dim;
    struct cp_joint joint;
    if (texts == 0)
        return cp_fail(err, CP_BAD_INPUT, "", "no texts"), cp_expected(err, "one at least");
    CP_TRY(cp_library_need(pass, CP_VISUAL, err));
    CP_TRY(cp_library_need(pass, CP_TEXT, err));
    CP_TRY(begin(call, images, texts, err));
    CP_TRY(make_joint(call, text_features, texts, &joint, err));
    for (size_t first = 0; first < images; first += CP_LIBRARY_BATCH) {
        const size_t count = batch_of(call, CP_JOINT, first, images).inputs;
        CP_TRY(cp_joint_images(&joint, image_features + first * embed, first, count, &pass->scratch, err));
    }
    return CP_OK;
}

enum clip_parity_status clip_parity_probabilities(struct clip_parity_pass *pass, const float *image_features,
                                                  size_t images, const float *text_features, size_t texts,
                                                  const struct clip_parity_observer *observer, float *out,
                                                  struct clip_parity_error *error) {
    struct cp_error err = {CP_OK, "", "", ""};
    struct call call = {.pass = pass, .observer = observer, .probabilities = out};
    return cp_library_status(probabilities(&call, image_features, images, text_features, texts, &err), &err,
                             error);
}
