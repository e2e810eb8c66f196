/** From an inflected English word to the forms that a dictionary may list it under. */

/** `form base` pairs of irregular nouns, verbs and comparisons. */
const irregularPairs = `
  men man|women woman|children child|people person|feet foot|teeth tooth|geese goose|mice mouse|oxen ox|wives wife|
  lives life|knives knife|leaves leaf|wolves wolf|shelves shelf|halves half|thieves thief|loaves loaf|calves calf|
  data datum|criteria criterion|phenomena phenomenon|analyses analysis|bases basis|crises crisis|hypotheses hypothesis|
  indices index|vertices vertex|matrices matrix|policemen policeman|firemen fireman|businessmen businessman|
  went go|gone go|goes go|did do|done do|does do|had have|has have|was be|were be|been be|is be|are be|am be|
  said say|made make|took take|taken take|came come|saw see|seen see|got get|gotten get|knew know|known know|
  thought think|gave give|given give|found find|told tell|became become|left leave|felt feel|put put|brought bring|
  began begin|begun begin|kept keep|held hold|wrote write|written write|stood stand|heard hear|let let|meant mean|
  met meet|ran run|paid pay|sat sit|spoke speak|spoken speak|lay lie|led lead|grew grow|grown grow|lost lose|
  fell fall|fallen fall|sent send|built build|understood understand|drew draw|drawn draw|broke break|broken break|
  spent spend|cut cut|rose rise|risen rise|drove drive|driven drive|bought buy|wore wear|worn wear|chose choose|
  chosen choose|ate eat|eaten eat|caught catch|taught teach|fought fight|threw throw|thrown throw|flew fly|flown fly|
  slept sleep|won win|sold sell|forgot forget|forgotten forget|hid hide|hidden hide|hung hang|rode ride|ridden ride|
  sang sing|sung sing|sank sink|sunk sink|shot shoot|shut shut|stole steal|stolen steal|swam swim|swum swim|
  swung swing|woke wake|woken wake|bit bite|bitten bite|blew blow|blown blow|dug dig|drank drink|drunk drink|fed feed|
  froze freeze|frozen freeze|laid lay|lit light|rang ring|rung ring|shook shake|shaken shake|shone shine|stuck stick|
  struck strike|swept sweep|tore tear|torn tear|wept weep|wound wind|lying lie|dying die|tying tie|
  better good|best good|worse bad|worst bad|further far|farther far|less little|least little|more much|most much`;

const irregular: ReadonlyMap<string, string> = new Map(
  irregularPairs.split('|').map((pair): [string, string] => {
    const [form, base] = pair.trim().split(/\s+/);
    if (!form || !base) throw new Error(`The list of irregular forms has half a pair: "${pair.trim()}".`);
    return [form, base];
  }),
);

export type PartOfSpeech = 'noun' | 'verb' | 'adj' | 'adv';

/** Ending and what stands in its place in the base form. */
const rules: Readonly<Record<PartOfSpeech, readonly (readonly [string, string])[]>> = {
  noun: [
    ["'s", ''],
    ['ies', 'y'],
    ['ves', 'f'],
    ['es', ''],
    ['s', ''],
  ],
  verb: [
    ['ies', 'y'],
    ['ied', 'y'],
    ['es', ''],
    ['es', 'e'],
    ['s', ''],
    ['ed', 'e'],
    ['ed', ''],
    ['ing', 'e'],
    ['ing', ''],
  ],
  adj: [
    ['ier', 'y'],
    ['iest', 'y'],
    ['er', ''],
    ['est', ''],
    ['er', 'e'],
    ['est', 'e'],
  ],
  adv: [],
};

/** The word as it is, then what it may be a form of, likeliest first. Not every one is a word. */
export function baseForms(word: string, part: PartOfSpeech): string[] {
  const known = irregular.get(word);
  const forms = known === undefined ? [word] : [known, word];
  for (const [ending, instead] of rules[part]) {
    if (word.length < ending.length + 3 || !word.endsWith(ending)) continue;
    const base = word.slice(0, -ending.length) + instead;
    forms.push(base);
    // "stopped" is of "stop", "bigger" of "big".
    if (instead === '' && /([bdgklmnprt])\1$/.test(base)) forms.push(base.slice(0, -1));
  }
  return [...new Set(forms)];
}
