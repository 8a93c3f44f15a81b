// What every page does: knows the zone, follows events, sends what forms ask for.
import { startZone } from "./zone.js";
import { startClock } from "./clock.js";
import { startLive } from "./live.js";
import { startForms } from "./forms.js";
import { startAccounts } from "./accounts.js";
import { startBulk } from "./bulk.js";
import { startCalendar } from "./calendar.js";
import { startCompose } from "./compose.js";
import { startPostFields } from "./post_fields.js";
import { startRebuild } from "./rebuild.js";
import { startImport } from "./import.js";
import { startTokens } from "./tokens.js";
import { startWorkspace } from "./workspace.js";

startZone();
startClock();
startForms();
startLive();
startAccounts();
startBulk();
startCompose();
startPostFields();
startRebuild();
startImport();
startTokens();
startWorkspace();
startCalendar();
