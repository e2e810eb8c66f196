/**
 * Closed word lists of the scorer: which words carry grammar, which talk about reasoning instead of reasoning,
 * and which pairs exclude each other. Data only; the measures say what each list means for a score.
 */

const list = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

/** Words of English grammar: they never count as content. */
export const functionWords = list(`
  a an the this that these those some any each every either neither no all both few many much more most other another
  such own same i me my mine we us our ours you your yours he him his she her hers it its they them their theirs one
  who whom whose which what when where why how am is are was were be been being do does did doing done have has had
  having will would shall should can could may might must ought not never nor n't of in on at by for with about against
  between into through during before after above below to from up down out off over under again further within without
  upon onto toward towards among per via than as if then else so because since while although though unless until
  whether and or but yet also too very just only even still already here there now once ever always often well let lets
  let's it's that's there's i'm i'll i've we'll we're we've you're they're he's she's don't doesn't didn't isn't aren't
  wasn't weren't won't wouldn't can't cannot couldn't shouldn't haven't hasn't hadn't mustn't get gets got etc please
  however therefore thus hence regarding`);

/**
 * Words that talk about reasoning. Real steps use them next to specific content; a sentence made of them, of
 * grammar and of words of the goal says nothing.
 */
export const metaWords = list(`
  accordingly additionally alternative alternatively analysis analyse analyze approach appropriate argue argument aspect
  assess assume assumption basic basis begin best better careful carefully case certain clear clearly compare complete
  comprehensive conclude conclusion consequence consequently consider consideration consistent context correct correctly
  deep deeply demonstrate detail determine ensure essential establish evaluate evaluation evidence evident evidently
  examine example explain explanation factor fact finally first firstly follow following framework fundamental further
  furthermore general generally given goal good holistic idea identify important importantly include indeed indicate
  issue justify key know logic logical logically main matter mean meaning meaningful moreover necessary need note
  objective obvious obviously option order overall particular perspective plan point position possible potential precise
  premise principle problem proceed process proof prove proper purpose question rational rationale reason reasonable
  reasoning regard relate relation relevant respect result right risk robust same second secondly see show significant
  simple simply situation solid solution solve sound start statement step strategy strong summary support sure task
  therefore thing think third thirdly thorough thoroughly thought true truly understand valid verify view way weigh`);

/** Words and contractions that turn a statement round. */
export const negations = list(`
  not no never none nobody nothing neither nor without cannot can't don't doesn't didn't isn't aren't wasn't weren't won't
  wouldn't couldn't shouldn't haven't hasn't hadn't mustn't needn't ain't fail fails failed hardly scarcely`);

/** Openings that deny all that follows. */
export const denial =
  /^\W*(?:it|this|that)(?: is|'s) (?:not true|not the case|not correct|false|untrue|incorrect|wrong)(?: to say)?(?: that)?\b/i;

/** Words of which at most one holds in one place of a sentence. */
const rivalGroups = `
  red orange yellow green blue purple violet pink brown black white grey gray gold silver|
  monday tuesday wednesday thursday friday saturday sunday|
  january february march april may june july august september october november december|
  spring summer autumn winter|morning noon afternoon evening night midnight|north south east west|
  second minute hour day week month year decade century|one two three four five six seven eight nine ten eleven twelve|
  first second third fourth fifth sixth seventh eighth ninth tenth|mercury venus earth mars jupiter saturn uranus neptune|
  english french german spanish italian chinese japanese russian indian american british canadian mexican brazilian dutch
  swiss greek turkish polish swedish irish scottish korean australian african european asian|
  england france germany spain italy china japan russia india america britain canada mexico brazil greece turkey poland
  sweden ireland scotland korea australia|dog cat horse cow bird fish sheep pig elephant lion tiger bear rabbit|
  guitar piano violin drums flute trumpet saxophone cello|tea coffee milk juice beer wine water soda|
  kitchen bedroom bathroom garage basement office|wood metal plastic glass paper stone leather|
  car bus train bicycle bike motorcycle boat plane truck|football basketball baseball tennis golf hockey soccer rugby`;

/** Group of a word whose members exclude each other, by name of its first member. */
export const rivals: ReadonlyMap<string, string> = new Map(
  rivalGroups.split('|').flatMap((group) => {
    const members = group.trim().split(/\s+/);
    return members.map((word): [string, string] => [word, members[0] ?? word]);
  }),
);

/** Pairs of words that cannot both hold of one thing; looked up as written and as stems. */
const antonymPairs = `
  accept reject|accurate inaccurate|active inactive|add remove|afternoon morning|agree disagree|alive dead|all none|
  allow forbid|allow prevent|allow deny|alone together|always never|answer question|appear disappear|arrive leave|
  asleep awake|attack defend|attract repel|available unavailable|bad good|after before|begin end|begin finish|best worst|
  better worse|big little|big small|black white|bottom top|bright dark|buy sell|certain uncertain|cheap expensive|
  clean dirty|clear unclear|close open|closed open|cold hot|cold warm|common rare|complete incomplete|confirm deny|
  connect disconnect|connected disconnected|consistent inconsistent|contain lack|continue stop|convex concave|
  correct incorrect|correct wrong|create destroy|dark light|day night|decrease increase|decline rise|deep shallow|
  depart arrive|different same|different similar|difficult easy|direct indirect|divide multiply|double halve|down up|
  downward upward|dry wet|early late|earlier later|east west|effective ineffective|efficient inefficient|empty full|
  enable disable|enabled disabled|enter exit|enter leave|equal unequal|even odd|ever never|everything nothing|
  everyone nobody|exclude include|exist vanish|expand contract|explicit implicit|external internal|fail succeed|
  failure success|fair unfair|false true|familiar unfamiliar|far near|fast slow|faster slower|fat thin|few many|
  fewer more|final initial|find lose|finish start|first last|float sink|follow precede|forget remember|forward backward|
  free busy|front back|future past|gain lose|general specific|give take|grow shrink|guilty innocent|happy sad|happy unhappy|
  hard easy|hard soft|has lacks|have lack|head tail|heal harm|healthy sick|heavy light|help harm|help hinder|high low|
  higher lower|highest lowest|hide reveal|hide show|high-level low-level|horizontal vertical|important unimportant|
  improve worsen|include omit|in out|indoor outdoor|indoors outdoors|inner outer|inside outside|join leave|kind cruel|
  known unknown|large small|larger smaller|largest smallest|laugh cry|lead follow|least most|left right|legal illegal|
  less more|like dislike|likely unlikely|limited unlimited|logical illogical|long short|longer shorter|loose tight|
  loud quiet|love hate|major minor|majority minority|male female|man woman|married unmarried|mature immature|
  maximum minimum|maximal minimal|modern ancient|move stay|narrow wide|necessary unnecessary|negative positive|
  new old|newer older|newest oldest|noisy quiet|normal abnormal|north south|northern southern|old young|
  older younger|on off|optional required|ordered unordered|over under|parallel perpendicular|partial complete|pass fail|
  permit forbid|permit prohibit|plural singular|poor rich|possible impossible|presence absence|present absent|
  prevent cause|prevent help|private public|probable improbable|profit loss|prove disprove|pull push|pure impure|
  quick slow|quickly slowly|raise lower|raise reduce|rational irrational|real fake|receive send|regular irregular|
  relevant irrelevant|reliable unreliable|require forbid|requires forbids|rise fall|rough smooth|safe dangerous|
  safe unsafe|save spend|save waste|simple complex|sit stand|sleep wake|slow rapid|solid liquid|stable unstable|
  standing sitting|start stop|start end|static dynamic|strengthen weaken|strong weak|stronger weaker|subtract add|
  sufficient insufficient|summer winter|sunrise sunset|sure unsure|sweet sour|tall short|taller shorter|temporary permanent|
  thick thin|tiny huge|tomorrow yesterday|true untrue|unable able|upper lower|useful useless|usual unusual|valid invalid|
  verbose concise|victory defeat|visible invisible|war peace|weak powerful|win lose|with without|yes no|employ fire|
  eastern western|above below|always sometimes|accelerate decelerate|ascending descending|biggest smallest|husband wife|
  boy girl|brother sister|father mother|king queen|son daughter|men women|boys girls|animate inanimate|hotter colder|
  warmer cooler|hot cool|lighter heavier|closer farther|nearer farther|deeper shallower|wider narrower|richer poorer|
  exclusive inclusive|import export|input output|import exports|demand supply|borrow lend|teacher student|buyer seller`;

function readAntonyms(pairs: string): ReadonlyMap<string, ReadonlySet<string>> {
  const opposites = new Map<string, Set<string>>();
  const note = (word: string, opposite: string) => {
    const known = opposites.get(word) ?? new Set<string>();
    opposites.set(word, known.add(opposite));
  };
  for (const pair of pairs.split('|')) {
    const [left, right] = pair.trim().split(/\s+/);
    if (!left || !right)
      throw new Error(`The antonym list has half a pair: "${pair.trim()}". Write "one other".`);
    note(left, right);
    note(right, left);
  }
  return opposites;
}

/** Opposites of a word, both ways round. */
export const antonyms = readAntonyms(antonymPairs);

/** Number words that a text may use in the place of digits. */
export const numberWords: ReadonlyMap<string, string> = new Map(
  'zero one two three four five six seven eight nine ten eleven twelve'
    .split(' ')
    .map((word, value) => [word, String(value)]),
);
