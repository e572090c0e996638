/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study/calibrate.h"

#include "num/bootstrap.h"
#include "num/mean_square.h"
#include "study/stationarity.h"

#include <math.h>
#include <string.h>

enum { DRAWS = 10000, SEED = 1, PRODUCTS = CP_STATIONARITY_BLOCKS * CP_STATIONARITY_BLOCKS };
static const double ALPHA = 0.025;

struct calibrator {
    const struct cp_study *study;
    struct cp_pool *pool;
    struct cp_workspace ws;
    struct cp_packed_store store;
    struct cp_pass pass;
    size_t embed, columns;            /* columns: what an image is told from, classes or prompts */
    float *pixels, *features, *texts; /* (batch, ...), (images, embed), (prompts, embed) */
    double *columns_of;               /* (columns, embed) */
    double *loss[CP_CONFIG_ACTIVATIONS];
    double *products[CP_CONFIG_ACTIVATIONS]; /* of gradients; NULL: too few images */
    size_t right[CP_CONFIG_ACTIVATIONS];
    struct cp_arena arena;
};

static enum cp_status out_of_memory(struct cp_error *err) {
    return cp_fail(err, CP_INTERNAL, "", "out of memory for a calibration");
}

/* ---- passes ---- */

static enum cp_status run_batch(struct calibrator *c, enum cp_tower tower, size_t first, size_t count,
                                float *features, struct cp_error *err) {
    const struct cp_clip_config *config = &c->study->model.config;
    const struct cp_run_inputs *in = &c->study->inputs;
    const bool visual = tower == CP_VISUAL;
    struct cp_pass as = {.tower = tower, .first = first, .inputs = count};
    if (!visual) {
        as.judged = in->judged + first;
        as.tokens = in->tokens + first * (size_t)config->text.context_length;
    }
    cp_pass_place(&c->pass, &as);
    if (visual) {
        const struct cp_preprocess how = cp_spec_preprocess(c->study->spec[0]);
        CP_TRY(cp_inputs_pixels(in, &how, first, count, c->pixels, err));
        CP_TRY(cp_vision_stem(&c->pass, c->pixels, err));
    } else {
        CP_TRY(cp_text_stem(&c->pass, err));
    }
    for (int layer = 0; layer < (visual ? config->vision.layers : config->text.layers); layer++)
        CP_TRY(cp_block(&c->pass, layer, err));
    return cp_tower_head(&c->pass, features, err);
}

/* A column is a prompt's feature, or the normalised mean of a class's. */
static void make_columns(struct calibrator *c) {
    const size_t each = c->study->inputs.prompts / c->columns;
    memset(c->columns_of, 0, c->columns * c->embed * sizeof *c->columns_of);
    for (size_t column = 0; column < c->columns; column++) {
        double *sum = c->columns_of + column * c->embed, square = 0;
        for (size_t p = column * each; p < (column + 1) * each; p++)
            for (size_t e = 0; e < c->embed; e++)
                sum[e] += (double)c->texts[p * c->embed + e];
        for (size_t e = 0; e < c->embed; e++)
            square += sum[e] * sum[e];
        for (size_t e = 0; e < c->embed && square > 0; e++)
            sum[e] /= sqrt(square);
    }
}

/* -log softmax of the right column. */
static void judge_image(struct calibrator *c, int activation, size_t image, const float *feature,
                        double scale) {
    const size_t right = c->study->inputs.labels ? (size_t)c->study->inputs.labels[image] : image;
    double most = -INFINITY, total = 0, own = 0;
    size_t top = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t column = 0; column < c->columns; column++) {
            double logit = 0;
            for (size_t e = 0; e < c->embed; e++)
                logit += (double)feature[e] * c->columns_of[column * c->embed + e];
            logit *= scale;
            if (pass == 1)
                total += exp(logit - most);
            else if (logit > most) {
                most = logit;
                top = column;
            }
            if (column == right)
                own = logit;
        }
    c->loss[activation][image] = log(total) + most - own;
    c->right[activation] += top == right;
}

static enum cp_status run_activation(struct calibrator *c, int activation, struct cp_error *err) {
    const struct cp_study *study = c->study;
    struct cp_plan *plan = NULL;
    CP_TRY(
        cp_plan_create(study->spec[activation], &study->model, study->inputs.images, &c->store, &plan, err));
    const double scale = exp((double)*study->model.logit_scale);
    c->pass.plan = plan;
    for (size_t first = 0; first < study->inputs.prompts; first += study->batch) {
        const size_t left = study->inputs.prompts - first, count = left < study->batch ? left : study->batch;
        CP_TRY(run_batch(c, CP_TEXT, first, count, c->texts + first * c->embed, err));
    }
    make_columns(c);
    for (size_t first = 0; first < study->inputs.images; first += study->batch) {
        const size_t left = study->inputs.images - first, count = left < study->batch ? left : study->batch;
        CP_TRY(run_batch(c, CP_VISUAL, first, count, c->features + first * c->embed, err));
        for (size_t i = first; i < first + count; i++)
            judge_image(c, activation, i, c->features + i * c->embed, scale);
    }
    const struct cp_stationarity s = {.images = c->features,
                                      .texts = c->texts,
                                      .labels = study->inputs.labels,
                                      .count = study->inputs.images,
                                      .embed = c->embed,
                                      .each = study->inputs.prompts / c->columns,
                                      .scale = scale};
    return c->products[activation] ? cp_stationarity(&s, c->pool, c->products[activation], err) : CP_OK;
}

/* ---- setting up ---- */

static size_t stream_floats(const struct cp_clip_config *c) {
    const size_t grid = (size_t)(c->vision.image_size / c->vision.patch_size);
    const size_t vision = (grid * grid + 1) * (size_t)c->vision.width;
    const size_t text = (size_t)c->text.context_length * (size_t)c->text.width;
    return vision > text ? vision : text;
}

static enum cp_status check_inputs(struct calibrator *c, struct cp_error *err) {
    const struct cp_run_inputs *in = &c->study->inputs;
    c->columns = in->classes ? in->classes : in->prompts;
    if (!c->study->model.logit_scale)
        return cp_fail(err, CP_BAD_INPUT, c->study->path, "one tower alone cannot be calibrated"),
               cp_expected(err, "a checkpoint of both towers");
    if (in->images < 2 || in->prompts < 2 || (!in->labels && in->prompts != in->images))
        return cp_fail(err, CP_BAD_INPUT, c->study->path, "%zu images and %zu prompts, %s labels", in->images,
                       in->prompts, in->labels ? "with" : "without"),
               cp_expected(err, "two images at least, with labels or with one prompt for each");
    for (size_t i = 0; in->labels && i < in->images; i++)
        if ((size_t)in->labels[i] >= c->columns)
            return cp_fail(err, CP_BAD_INPUT, c->study->path, "label %d of image %s", (int)in->labels[i],
                           in->image_names[i]),
                   cp_expected(err, "0 to %zu", c->columns - 1);
    return CP_OK;
}

static enum cp_status make_room(struct calibrator *c, struct cp_error *err) {
    const struct cp_study *study = c->study;
    const struct cp_clip_config *config = &study->model.config;
    const size_t side = (size_t)config->vision.image_size, batch = study->batch;
    c->embed = (size_t)config->embed_dim;
    CP_TRY(cp_pool_create(study->threads, &c->pool, err));
    CP_TRY(cp_workspace_create(config, study->ops, batch, study->threads, &c->ws, err));
    c->pixels = cp_arena_alloc(&c->arena, batch * 3 * side * side, sizeof *c->pixels);
    c->features = cp_arena_alloc(&c->arena, study->inputs.images * c->embed, sizeof *c->features);
    c->texts = cp_arena_alloc(&c->arena, study->inputs.prompts * c->embed, sizeof *c->texts);
    c->columns_of = cp_arena_alloc(&c->arena, c->columns * c->embed, sizeof *c->columns_of);
    c->pass = (struct cp_pass){.pool = c->pool, .ws = &c->ws, .taps = {NULL, 0, &study->sites}};
    c->pass.x = cp_arena_alloc(&c->arena, batch * stream_floats(config), sizeof *c->pass.x);
    bool ready = c->pixels && c->features && c->texts && c->columns_of && c->pass.x;
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++) {
        c->loss[a] = cp_arena_alloc(&c->arena, study->inputs.images, sizeof *c->loss[a]);
        ready = ready && c->loss[a];
        if (study->inputs.images < CP_STATIONARITY_LEAST)
            continue;
        c->products[a] = cp_arena_alloc(&c->arena, PRODUCTS, sizeof *c->products[a]);
        ready = ready && c->products[a];
    }
    return ready ? CP_OK : out_of_memory(err);
}

/* ---- judging ---- */

bool cp_same_kind(enum cp_config_activation a, enum cp_config_activation b) {
    return (a == CP_CONFIG_QUICK) == (b == CP_CONFIG_QUICK);
}

struct judging {
    const double *const *loss;     /* (activations, images) */
    const double *const *products; /* of gradients, or NULL */
    double *d, *t, *centred;       /* room for the bootstrap */
};

/* p of "its loss is not above the best's". */
static double judge_loss(const struct judging *j, struct cp_calibration *k, int rival) {
    for (size_t i = 0; i < k->images; i++) {
        j->d[i] = j->loss[rival][i] - j->loss[k->best][i];
        if (!isfinite(j->d[i]))
            return 1;
    }
    const struct cp_bootstrap b = cp_bootstrap(j->d, k->images, SEED, j->t, DRAWS, j->centred);
    const bool scatters = b.error > 0;
    k->above[rival] = b.mean;
    k->low[rival] = scatters ? cp_bootstrap_low(&b, ALPHA) : b.mean;
    k->high[rival] = scatters ? cp_bootstrap_high(&b, ALPHA) : b.mean;
    return scatters ? cp_bootstrap_p_above(&b, 0) : 0.5;
}

/* p of "its gradient is not above the best's"; whether it is below beyond chance. */
static double judge_gradient(const struct judging *j, struct cp_calibration *k, int rival, bool *below) {
    double difference[PRODUCTS];
    *below = false;
    if (!j->products)
        return 1;
    for (size_t i = 0; i < PRODUCTS; i++)
        difference[i] = j->products[rival][i] - j->products[k->best][i];
    struct cp_mean_square square = cp_mean_square(difference, CP_STATIONARITY_BLOCKS);
    const double p = cp_mean_square_p_above(&square);
    k->gradient_z[rival] = square.error > 0 ? square.value / square.error : 0;
    square.value = -square.value;
    *below = cp_mean_square_p_above(&square) <= ALPHA;
    return p;
}

/* All against the best. Where the gradient says beyond chance that one of the other kind is, and the loss
 * does not say the opposite, that one is returned. */
static enum cp_config_activation judge_rivals(const struct judging *j, struct cp_calibration *k) {
    enum cp_config_activation instead = k->best;
    k->told = true;
    k->told_confidence = 1;
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++) {
        if (a == (int)k->best)
            continue;
        bool below;
        const double p_loss = judge_loss(j, k, a), p_gradient = judge_gradient(j, k, a, &below);
        const double p = j->products ? fmin(1, 2 * fmin(p_loss, p_gradient)) : p_loss;
        k->confidence[a] = 1 - p;
        k->excluded[a] = p <= ALPHA;
        if (cp_same_kind((enum cp_config_activation)a, k->best))
            continue;
        k->told = k->told && k->excluded[a];
        k->told_confidence = fmin(k->told_confidence, k->confidence[a]);
        k->disagree = k->disagree || (below && p_loss <= ALPHA);
        if (below && p_loss > ALPHA && (instead == k->best || k->loss[a] < k->loss[instead]))
            instead = (enum cp_config_activation)a;
    }
    k->told = k->told && !k->disagree;
    return instead;
}

static void find_least_loss(const struct judging *j, struct cp_calibration *k) {
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++) {
        double sum = 0;
        for (size_t i = 0; i < k->images; i++)
            sum += j->loss[a][i];
        k->loss[a] = sum / (double)k->images;
        if (!(k->loss[a] >= k->loss[k->best]))
            k->best = (enum cp_config_activation)a;
        if (j->products)
            k->gradient[a] = cp_mean_square(j->products[a], CP_STATIONARITY_BLOCKS).value;
    }
}

enum cp_status cp_calibration_judge(const double *const loss[CP_CONFIG_ACTIVATIONS], size_t images,
                                    const double *const products[CP_CONFIG_ACTIVATIONS],
                                    struct cp_calibration *k, struct cp_error *err) {
    struct cp_arena arena = {0};
    const struct judging j = {.loss = loss,
                              .products = products,
                              .d = cp_arena_alloc(&arena, images, sizeof *j.d),
                              .t = cp_arena_alloc(&arena, DRAWS, sizeof *j.t),
                              .centred = cp_arena_alloc(&arena, images, sizeof *j.centred)};
    const bool ready = j.d && j.t && j.centred;
    if (ready) {
        k->images = images;
        k->has_gradient = products != NULL;
        find_least_loss(&j, k);
        const enum cp_config_activation instead = judge_rivals(&j, k);
        if (instead != k->best) {
            k->best = instead;
            (void)judge_rivals(&j, k);
        }
    }
    cp_arena_free(&arena);
    return ready ? CP_OK : out_of_memory(err);
}

enum cp_status cp_calibrate(const struct cp_study *study, struct cp_calibration *k, struct cp_error *err) {
    struct calibrator c = {.study = study};
    enum cp_status status;
    *k = (struct cp_calibration){.labelled = study->inputs.labels != NULL};
    CP_TRY_DONE(check_inputs(&c, err));
    CP_TRY_DONE(make_room(&c, err));
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++) {
        CP_TRY_DONE(run_activation(&c, a, err));
        k->accuracy[a] = (double)c.right[a] / (double)study->inputs.images;
    }
    status = cp_calibration_judge((const double *const *)c.loss, study->inputs.images,
                                  c.products[0] ? (const double *const *)c.products : NULL, k, err);
    k->untrained = !(k->loss[k->best] < log((double)c.columns));
    k->too_few = study->inputs.images < CP_STATIONARITY_LEAST;
    k->told = k->told && !k->untrained && !k->too_few;
done:
    cp_packed_store_free(&c.store);
    cp_workspace_free(&c.ws);
    cp_arena_free(&c.arena);
    cp_pool_free(c.pool);
    return status;
}
