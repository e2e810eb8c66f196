/** Every pair of calls that can meet on tasks that wait, are granted, have lapsed or leave: see the tasks at work. */

import { racePairs } from './race-pairs.ts';
import { scenesInLine } from './race-scenes-in-line.ts';

racePairs(scenesInLine);
