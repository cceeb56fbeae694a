/* manifest_keys.h: the parts of the manifest's loader, for each other and for what is generated of the
 * table. Pure. */
#ifndef HARK_MANIFEST_MANIFEST_KEYS_H
#define HARK_MANIFEST_MANIFEST_KEYS_H

#include "manifest/keys.h"
#include "manifest/manifest.h"

/* The table of a manifest's keys; its target is struct manifest. */
extern const struct keys manifest_keys;
/* Of one trigger; its target is struct manifest_trigger. */
extern const struct keys manifest_trigger_keys;

key_load manifest_load_triggers, manifest_load_cron, manifest_load_timezone, manifest_load_publishes,
    manifest_load_order, manifest_load_config;

/* The table of `sandbox`; its target is struct manifest. */
extern const struct keys manifest_sandbox_keys;
/* What it cannot know alone. */
void manifest_check_sandbox(struct key_loader *loader, const struct manifest *m);

/* What no key can know alone: min and max, names in `order` and `publishes` that a trigger has to capture. */
void manifest_check(struct key_loader *loader, const struct manifest *m);

#endif
