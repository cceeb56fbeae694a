#include "audit/fault_kinds.h"

const struct fault_kind fault_kinds[] = {
    {"hark-kill", NEEDS_HARK, 1, 1500, 2, true, begin_hark_kill, end_hark_away},
    {"hark-stop", NEEDS_HARK, 1, 1500, 2, true, begin_hark_stop, end_hark_away},
    {"hark-freeze", NEEDS_HARK, 500, 5000, 1, true, begin_hark_freeze, end_freeze},
    {"worker-kill", 0, 0, 0, 4, false, begin_worker_kill, NULL},
    {"worker-freeze", NEEDS_WORKER, 500, 3000, 1, false, begin_worker_freeze, end_freeze},
    {"zygote-kill", 0, 0, 0, 2, false, begin_zygote_kill, NULL},
    {"zygote-freeze", NEEDS_WORKER, 1000, 18000, 2, true, begin_zygote_freeze, end_freeze},
    {"cut", 0, 0, 0, 3, false, begin_cut, NULL},
    {"stall", NEEDS_NETWORK, 2000, 5000, 2, true, begin_stall, end_stall},
    {"half-open", 0, 0, 0, 1, false, begin_half_open, NULL},
    {"abandon", 0, 0, 0, 1, false, begin_abandon, NULL},
    {"broker-stop", NEEDS_BROKER, 1, 2000, 2, true, begin_broker_stop, end_broker_stop},
    {"redeploy", NEEDS_FILES, 0, 0, 3, false, begin_redeploy, NULL},
    {"new-manifest", NEEDS_FILES, 0, 0, 2, false, begin_new_manifest, NULL},
    {"bad-handler", NEEDS_FILES, 300, 3000, 2, false, begin_bad_handler, end_bad_handler},
    {"bad-manifest", NEEDS_FILES, 300, 3000, 1, false, begin_bad_manifest, end_bad_manifest},
    {"rename", NEEDS_FILES, 0, 0, 1, false, begin_rename, NULL},
    {"undeploy", NEEDS_ALL, 0, 0, 1, false, begin_undeploy, NULL},
    {"disk-full", NEEDS_STATE, 1000, 6000, 2, false, begin_disk_full, end_disk_full},
    {"burst", 0, 0, 0, 2, false, begin_burst, NULL},
};

const size_t fault_kind_count = sizeof fault_kinds / sizeof *fault_kinds;
