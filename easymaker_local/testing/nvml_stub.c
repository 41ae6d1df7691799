/* A stand-in for NVIDIA's libnvidia-ml.so.1, as far as drivers/gpus.py calls it. What it tells is read anew at every call from
 * the file that NVML_STUB names (testing/gpus.py writes it), one fact per line:
 *
 *   error CODE                          every call fails with this code
 *   gpu UUID TOTAL_MIB USED_MIB NAME    a device; its index is its place
 *   mig PARENT UUID TOTAL_MIB USED_MIB NAME
 *   process UUID compute|graphics PID MIB
 *   busy UUID PERCENT                   how much of the time it computes; without it: not supported
 *   lost UUID CODE                      calls about this device fail with this code
 *   hang SECONDS                        every call takes that long
 *
 * Without the variable it is as if there were no library.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OK = 0, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7, NO_LIBRARY = 12 };
enum { MOST = 64, WORD = 128 };

typedef struct {
    char uuid[WORD], parent[WORD], name[WORD];
    unsigned long long total, used;
    int lost;
    int busy;
} Device;

typedef struct {
    char uuid[WORD];
    int graphics;
    unsigned pid;
    unsigned long long mib;
} Process;

typedef struct {
    unsigned pid;
    unsigned long long used;
    unsigned gpu_instance, compute_instance;
} ProcessInfo;

typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned gpu, memory; } Utilization;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } Memory2;

static Device devices[MOST];
static Process processes[MOST];
static int device_count, process_count;
/* Handles are places in this table, so that they outlive a change of the file. */
static char known[MOST][WORD];
static int known_count;

static int load(void) {
    const char *path = getenv("NVML_STUB");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[512], word[WORD];
    int error = OK;
    device_count = process_count = 0;
    if (!file) return NO_LIBRARY;
    while (fgets(line, sizeof line, file)) {
        Device d = {0};
        Process p = {0};
        int code, seconds;
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "error %d", &code) == 1) error = code;
        else if (sscanf(line, "hang %d", &seconds) == 1) sleep(seconds);
        else if (sscanf(line, "gpu %127s %llu %llu %127[^\n]", d.uuid, &d.total, &d.used, d.name) == 4)
            devices[device_count++] = d;
        else if (sscanf(line, "mig %127s %127s %llu %llu %127[^\n]", d.parent, d.uuid, &d.total, &d.used, d.name) == 5)
            devices[device_count++] = d;
        else if (sscanf(line, "process %127s %127s %u %llu", p.uuid, word, &p.pid, &p.mib) == 4) {
            p.graphics = strcmp(word, "graphics") == 0;
            processes[process_count++] = p;
        } else if (sscanf(line, "busy %127s %d", word, &code) == 2) {
            for (int i = 0; i < device_count; i++)
                if (!strcmp(devices[i].uuid, word)) devices[i].busy = code + 1;
        } else if (sscanf(line, "lost %127s %d", word, &code) == 2)
            for (int i = 0; i < device_count; i++)
                if (!strcmp(devices[i].uuid, word)) devices[i].lost = code;
    }
    fclose(file);
    return error;
}

static int find(void *handle, Device **found) {
    int error = load();
    if (error) return error;
    for (int i = 0; i < device_count; i++)
        if (!strcmp(devices[i].uuid, (char *)handle)) {
            *found = &devices[i];
            return devices[i].lost;
        }
    return NOT_FOUND;
}

static void *handle_of(const char *uuid) {
    for (int i = 0; i < known_count; i++)
        if (!strcmp(known[i], uuid)) return known[i];
    strcpy(known[known_count], uuid);
    return known[known_count++];
}

static int child(const char *parent, unsigned index, void **handle) {
    for (int i = 0; i < device_count; i++)
        if (!strcmp(devices[i].parent, parent) && index-- == 0) {
            *handle = handle_of(devices[i].uuid);
            return OK;
        }
    return NOT_FOUND;
}

int nvmlInitWithFlags(unsigned flags) { (void)flags; return load(); }
int nvmlShutdown(void) { return OK; }
const char *nvmlErrorString(int code) { (void)code; return "an error of the stub"; }

int nvmlDeviceGetCount_v2(unsigned *count) {
    int error = load();
    *count = 0;
    for (int i = 0; i < device_count; i++) *count += !devices[i].parent[0];
    return error;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    int error = load();
    Device *found;
    if (!error) error = child("", index, handle);
    return error ? error : find(*handle, &found);
}

int nvmlDeviceGetUUID(void *handle, char *text, unsigned size) {
    Device *d;
    int error = find(handle, &d);
    if (!error) snprintf(text, size, "%s", d->uuid);
    return error;
}

int nvmlDeviceGetName(void *handle, char *text, unsigned size) {
    Device *d;
    int error = find(handle, &d);
    if (!error) snprintf(text, size, "%s", d->name);
    return error;
}

int nvmlDeviceGetMemoryInfo(void *handle, Memory *memory) {
    Device *d;
    int error = find(handle, &d);
    if (!error) *memory = (Memory){d->total << 20, (d->total - d->used) << 20, d->used << 20};
    return error;
}

int nvmlDeviceGetMemoryInfo_v2(void *handle, Memory2 *memory) {
    Device *d;
    int error = find(handle, &d);
    if (!error) *memory = (Memory2){memory->version, d->total << 20, 0, (d->total - d->used) << 20, d->used << 20};
    return error;
}

int nvmlDeviceGetUtilizationRates(void *handle, Utilization *rates) {
    Device *d;
    int error = find(handle, &d);
    if (error) return error;
    if (!d->busy) return NOT_SUPPORTED;
    *rates = (Utilization){d->busy - 1, 0};
    return OK;
}

int nvmlDeviceGetMigMode(void *handle, unsigned *current, unsigned *pending) {
    Device *d;
    void *first;
    int error = find(handle, &d);
    if (error) return error;
    *current = *pending = child(d->uuid, 0, &first) == OK;
    return *current ? OK : NOT_SUPPORTED;
}

int nvmlDeviceGetMaxMigDeviceCount(void *handle, unsigned *count) { (void)handle; *count = 7; return OK; }

int nvmlDeviceGetMigDeviceHandleByIndex(void *handle, unsigned index, void **instance) {
    Device *d;
    int error = find(handle, &d);
    return error ? error : child(d->uuid, index, instance);
}

static int list(void *handle, int graphics, unsigned *count, ProcessInfo *out) {
    Device *d;
    unsigned room = *count;
    int error = find(handle, &d);
    *count = 0;
    if (error) return error;
    for (int i = 0; i < process_count; i++) {
        Process *p = &processes[i];
        if (strcmp(p->uuid, d->uuid) || p->graphics != graphics) continue;
        if (out && *count < room) out[*count] = (ProcessInfo){p->pid, p->mib << 20, ~0u, ~0u};
        (*count)++;
    }
    return *count > room || (*count && !out) ? TOO_SMALL : OK;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, ProcessInfo *out) { return list(handle, 0, count, out); }
int nvmlDeviceGetGraphicsRunningProcesses_v3(void *handle, unsigned *count, ProcessInfo *out) { return list(handle, 1, count, out); }
