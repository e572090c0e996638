/* SPDX-License-Identifier: GPL-3.0-or-later
 * What does another activation do to a model? Both towers, QuickGELU and GELU, over one picture and some prompts:
 * the first tap that differs, the divergence of the image features, and both sides' probabilities. */
#include <clip-parity.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PASSES = 2 };
static const char *const settings[PASSES] = {"activation=quick", "activation=erf"};

static struct clip_parity_error error;

/* Ends the program where a call failed. */
static void check(enum clip_parity_status status) {
    if (status == CLIP_PARITY_OK)
        return;
    (void)fprintf(stderr, "activation: %s\n", error.message);
    exit((int)status);
}

static void *room(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (!memory)
        exit(CLIP_PARITY_INTERNAL);
    return memory;
}

/* ---- taps: the first pass's tensors are kept, the second's are held against them ---- */

struct kept {
    size_t count, next; /* tensors kept; the next to be compared */
    float *tensors[1000];
    char *first_difference; /* a copy: a name lasts for the call */
};

static size_t rows_of(const struct clip_parity_tap *tap) {
    size_t rows = 1;
    for (size_t d = 0; d + 1 < tap->rank; d++)
        rows *= tap->shape[d];
    return rows;
}

static int keep(void *user, const struct clip_parity_tap *tap) {
    struct kept *kept = user;
    const size_t count = rows_of(tap) * tap->shape[tap->rank - 1];
    if (kept->count == sizeof kept->tensors / sizeof kept->tensors[0])
        return 1; /* ends the pass: CLIP_PARITY_INTERRUPTED */
    float *copy = kept->tensors[kept->count++] = room(count, sizeof *copy);
    memcpy(copy, tap->data, count * sizeof *copy);
    return 0;
}

static int compare(void *user, const struct clip_parity_tap *tap) {
    struct kept *kept = user;
    struct clip_parity_difference difference;
    check(clip_parity_compare(tap->data, kept->tensors[kept->next++], rows_of(tap), tap->shape[tap->rank - 1],
                              &difference, &error));
    if (difference.different && !kept->first_difference)
        kept->first_difference = strdup(tap->name);
    return 0;
}

/* ---- a pass ---- */

struct answer {
    float *image, *texts, *probabilities; /* (1, embed_dim), (prompts, embed_dim), (1, prompts) */
};

static struct answer run(const struct clip_parity_model *model, const char *how, const char *picture,
                         const char *const *prompts, size_t count,
                         const struct clip_parity_observer *observer) {
    const struct clip_parity_shape shape = clip_parity_model_shape(model);
    float *pixels = room(3 * shape.image_size * shape.image_size, sizeof *pixels);
    int32_t *ids = room(count * shape.context_length, sizeof *ids);
    struct answer answer = {room(shape.embed_dim, sizeof(float)),
                            room(count * shape.embed_dim, sizeof(float)), room(count, sizeof(float))};
    struct clip_parity_pass *pass;
    check(clip_parity_pass_create(model, how, 0, &pass, &error));
    check(clip_parity_tokenize(pass, prompts, count, false, ids, &error));
    check(clip_parity_preprocess(pass, picture, pixels, &error));
    check(clip_parity_encode_texts(pass, ids, count, NULL, answer.texts, &error));
    check(clip_parity_encode_images(pass, pixels, 1, observer, answer.image, &error));
    check(clip_parity_probabilities(pass, answer.image, 1, answer.texts, count, NULL, answer.probabilities,
                                    &error));
    clip_parity_pass_free(pass);
    free(pixels);
    free(ids);
    return answer;
}

int main(int argc, char **argv) {
    static struct kept kept;
    if (argc < 4) {
        (void)fprintf(stderr, "usage: activation MODEL PICTURE PROMPT...\n");
        return 4;
    }
    const size_t count = (size_t)argc - 3;
    const char *const *prompts = (const char *const *)argv + 3;
    struct clip_parity_model *model;
    check(clip_parity_model_open(argv[1], NULL, &model, &error));
    for (size_t n = 0; clip_parity_model_note(model, n); n++)
        (void)fprintf(stderr, "%s\n", clip_parity_model_note(model, n));

    const struct clip_parity_observer observers[PASSES] = {{keep, &kept}, {compare, &kept}};
    struct answer answers[PASSES];
    for (int p = 0; p < PASSES; p++)
        answers[p] = run(model, settings[p], argv[2], prompts, count, &observers[p]);

    struct clip_parity_difference difference;
    const size_t embed_dim = clip_parity_model_shape(model).embed_dim;
    check(clip_parity_compare(answers[1].image, answers[0].image, 1, embed_dim, &difference, &error));
    printf("first difference  %s\n", kept.first_difference ? kept.first_difference : "none");
    printf("image_features    %.17g\n", difference.rel_l2);
    for (int p = 0; p < PASSES; p++) {
        printf("%-16s", settings[p]);
        for (size_t i = 0; i < count; i++)
            printf("  %.9g", (double)answers[p].probabilities[i]);
        printf("\n");
    }
    clip_parity_model_close(model);
    for (int p = 0; p < PASSES; p++) {
        free(answers[p].image);
        free(answers[p].texts);
        free(answers[p].probabilities);
    }
    for (size_t t = 0; t < kept.count; t++)
        free(kept.tensors[t]);
    free(kept.first_difference);
    return 0;
}
