/* SPDX-License-Identifier: GPL-3.0-or-later
 * Names an activation from losses and gradients, or says which premise does not hold. */
#include "num/bootstrap.h"
#include "num/mean_square.h"
#include "num/metrics.h"
#include "task/calibrate.h"

#include <math.h>

enum { DRAWS = 10000, SEED = 1, BLOCKS = CP_GRADIENT_TEST_BLOCKS, PRODUCTS = BLOCKS * BLOCKS };
/* Levels: of the losses' interval, of both tests together, of each alone, of the accuracy's bound. */
static const double ALPHA = 0.025, ALPHA_BOTH = 0.025, ALPHA_EACH = 0.2, ALPHA_ACCURACY = 0.01;
/* Limits of the premise, set with tests/calibration/perturbed.py: how far the stored scale may be from the
 * fitted one (logarithms), and how large the best's squared gradient over that of the difference. */
static const double SCALE_LIMIT = 0.05, REST_LIMIT = 35;
/* No more is claimed however far from chance: some gradient is always left, which a p of chance knows nothing
 * of. */
static const double MOST_CONFIDENCE = 0.99;

struct judging {
    const struct cp_calibration_data *data;
    double (*products)[CP_CONFIG_ACTIVATIONS][PRODUCTS]; /* [a][b]: of a's gradients and b's */
    double *d, *t, *centred;                             /* room for the bootstrap */
    uint32_t *order;                                     /* [images] block after block */
};

bool cp_same_kind(enum cp_config_activation a, enum cp_config_activation b) {
    return (a == CP_CONFIG_QUICK) == (b == CP_CONFIG_QUICK);
}

/* ---- losses ---- */

/* The chance of a loss as far above the best's if it is no more. */
static double judge_loss(const struct judging *j, struct cp_calibration *k, int rival) {
    const double *const *loss = j->data->loss;
    for (size_t i = 0; i < k->images; i++) {
        j->d[i] = loss[rival][i] - loss[k->best][i];
        if (!isfinite(j->d[i]))
            return 1;
    }
    const struct cp_bootstrap b = cp_bootstrap(j->d, k->images, SEED, j->t, DRAWS, j->centred);
    k->above[rival] = b.mean;
    k->low[rival] = cp_bootstrap_low(&b, ALPHA);
    k->high[rival] = cp_bootstrap_high(&b, ALPHA);
    return b.error > 0 ? cp_bootstrap_p_above(&b, 0) : 1;
}

/* Of what judge_loss left in d. */
static void average_blocks(const struct judging *j, double means[BLOCKS]) {
    for (size_t b = 0; b < BLOCKS; b++) {
        const size_t first = b * j->data->images / BLOCKS, end = (b + 1) * j->data->images / BLOCKS;
        means[b] = 0;
        for (size_t i = first; i < end; i++)
            means[b] += j->d[j->order[i]] / (double)(end - first);
    }
}

static void average_losses(const struct judging *j, struct cp_calibration *k) {
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++) {
        double sum = 0;
        for (size_t i = 0; i < k->images; i++)
            sum += j->data->loss[a][i];
        k->loss[a] = sum / (double)k->images;
    }
}

/* ---- gradients ---- */

static void multiply(const struct judging *j, struct cp_calibration *k) {
    const double *const *gradient = j->data->gradient;
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++) {
        for (int b = 0; b < CP_CONFIG_ACTIVATIONS; b++)
            cp_gradient_test_products(gradient[a], gradient[b], j->data->size, j->products[a][b]);
        k->gradient[a] = cp_mean_square(j->products[a][a], BLOCKS).value;
    }
}

/* Products of a's and b's blocks for |a|^2 - |b|^2, or for |a - b|^2. */
static void compare(const struct judging *j, int a, int b, bool difference, double products[PRODUCTS]) {
    const double *cross = j->products[a][b];
    for (size_t r = 0; r < BLOCKS; r++)
        for (size_t c = 0; c < BLOCKS; c++) {
            const size_t i = r * BLOCKS + c, mirrored = c * BLOCKS + r;
            const double own = j->products[a][a][i], others = j->products[b][b][i];
            products[i] = difference ? own + others - cross[i] - cross[mirrored] : own - others;
        }
}

static double find_rest(const struct judging *j, const struct cp_calibration *k, int rival) {
    double products[PRODUCTS];
    compare(j, rival, (int)k->best, true, products);
    const double change = cp_mean_square(products, BLOCKS).value;
    return change > 0 ? fmax(k->gradient[k->best], 0) / change : INFINITY;
}

/* ---- both ---- */

/* Whether both tests point away from the rival. */
static bool judge_rival(const struct judging *j, struct cp_calibration *k, int rival) {
    double products[PRODUCTS], gradient[BLOCKS], loss[BLOCKS];
    const double p_loss = judge_loss(j, k, rival);
    if (!k->has_gradient)
        return false;
    compare(j, rival, (int)k->best, false, products);
    const struct cp_mean_square above = cp_mean_square(products, BLOCKS);
    const double p_gradient = cp_mean_square_p_above(&above);
    cp_mean_square_influence(products, BLOCKS, gradient);
    average_blocks(j, loss);
    const double p = cp_joint_p_above(gradient, loss, BLOCKS);
    k->gradient_z[rival] = above.error > 0 ? above.value / above.error : 0;
    k->rest[rival] = find_rest(j, k, rival);
    k->confidence[rival] = 1 - p;
    k->excluded[rival] =
        p <= ALPHA_BOTH && p_loss <= ALPHA_EACH && p_gradient <= ALPHA_EACH && k->rest[rival] <= REST_LIMIT;
    return p_loss <= ALPHA_EACH || p_gradient > ALPHA_EACH;
}

static int least(const double values[CP_CONFIG_ACTIVATIONS]) {
    int best = 0;
    for (int a = 1; a < CP_CONFIG_ACTIVATIONS; a++)
        best = values[a] < values[best] || isnan(values[best]) ? a : best;
    return best;
}

static enum cp_doubt premise(struct cp_calibration *k) {
    const size_t right = (size_t)lround(k->accuracy[k->best] * (double)k->images);
    k->accuracy_low = cp_clopper_pearson_low(right, k->images, ALPHA_ACCURACY);
    if (!(k->accuracy_low > k->chance))
        return CP_DOUBT_CHANCE;
    if (!k->has_gradient)
        return CP_DOUBT_FEW;
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++)
        if (!k->scale[a].found)
            return CP_DOUBT_SCALE;
    return fabs(k->scale[k->best].log_scale - k->stored_scale) <= SCALE_LIMIT ? CP_DOUBT_NONE
                                                                              : CP_DOUBT_SCALE;
}

static void judge_rivals(const struct judging *j, struct cp_calibration *k) {
    bool agree = true, excluded = true;
    k->named_confidence = MOST_CONFIDENCE;
    k->worst_rest = 0;
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++) {
        if (a == (int)k->best)
            continue;
        const bool confirmed = judge_rival(j, k, a);
        if (cp_same_kind((enum cp_config_activation)a, k->best))
            continue;
        agree = agree && confirmed;
        excluded = excluded && k->excluded[a];
        k->named_confidence = fmin(k->named_confidence, k->confidence[a]);
        k->worst_rest = fmax(k->worst_rest, k->rest[a]);
    }
    k->doubt = premise(k);
    if (k->doubt == CP_DOUBT_NONE)
        k->doubt = !(k->worst_rest <= REST_LIMIT) ? CP_DOUBT_GRADIENT
                   : !agree                       ? CP_DOUBT_LOSS
                   : !excluded                    ? CP_DOUBT_CONFIDENCE
                                                  : CP_DOUBT_NONE;
}

enum cp_status cp_calibration_judge(const struct cp_calibration_data *data, struct cp_calibration *k,
                                    struct cp_error *err) {
    struct cp_arena arena = {0};
    const struct judging j = {.data = data,
                              .products = cp_arena_alloc(&arena, CP_CONFIG_ACTIVATIONS, sizeof *j.products),
                              .d = cp_arena_alloc(&arena, data->images, sizeof *j.d),
                              .t = cp_arena_alloc(&arena, DRAWS, sizeof *j.t),
                              .centred = cp_arena_alloc(&arena, data->images, sizeof *j.centred),
                              .order = cp_arena_alloc(&arena, data->images, sizeof *j.order)};
    const bool ready = j.products && j.d && j.t && j.centred && j.order;
    if (ready) {
        cp_gradient_test_order(data->images, j.order);
        k->images = data->images;
        k->has_gradient = data->gradient[0] != NULL;
        average_losses(&j, k);
        if (k->has_gradient)
            multiply(&j, k);
        k->best = (enum cp_config_activation)least(k->has_gradient ? k->gradient : k->loss);
        judge_rivals(&j, k);
    }
    cp_arena_free(&arena);
    return CP_CHECK_ALLOC(ready, err, "", "a calibration");
}
