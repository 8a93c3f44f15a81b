// What every page does: knows the zone, follows events, sends what forms ask for.
import { startZone } from "./zone.js";
import { startClock } from "./clock.js";
import { startLive } from "./live.js";
import { startForms } from "./forms.js";
import { startAccounts } from "./accounts.js";
import { startBulk } from "./bulk.js";
import { startCalendar } from "./calendar.js";
import { startCompose } from "./compose.js";
import { startPending } from "./pending.js";
import { startPostFields } from "./post_fields.js";
import { startRebuild } from "./rebuild.js";
import { startOpening } from "./opening.js";
import { startEditing } from "./editing.js";
import { startImport } from "./import.js";
import { startLimits } from "./limits.js";
import { startTokens } from "./tokens.js";
import { startWorkspace } from "./workspace.js";

// Of more pages than a phone has room for, the one that is shown is in sight.
const here = document.querySelector(".top nav [aria-current]");
if (here) here.closest("nav").scrollLeft += here.getBoundingClientRect().left - here.closest("nav").getBoundingClientRect().left - 40;

startZone();
startClock();
startForms();
startLive();
startAccounts();
startBulk();
startCompose();
startPostFields();
startEditing();
startPending();
startRebuild();
startImport();
startLimits();
startTokens();
startWorkspace();
startCalendar();
startOpening();
