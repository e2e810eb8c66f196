/** One case, from its empty stage to what was seen. */

import type { Database } from '../../shared/platform/db.ts';
import { startAgain } from '../admission/scene.ts';
import type { Api } from '../setup/api.ts';
import { act, letLeave } from './act.ts';
import type { Evidence } from './judge.ts';
import type { PeerCase } from './peer-case.ts';
import { setStage } from './set-stage.ts';
import { stageOf } from './stage.ts';

/** Plays a case on an emptied database. `admin` serves only to empty it. */
export async function play(admin: Database, api: Api, peerCase: PeerCase): Promise<Evidence> {
  await startAgain(admin, api);
  const stage = stageOf(api, peerCase.given);
  const opening = await setStage(stage);
  const seen = await act(stage, peerCase, opening);
  return { peerCase, stage, seen, left: await letLeave(stage, seen) };
}
