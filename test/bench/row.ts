/** One promise of speed, measured. `measured` and `baseline` are for people, with their units. */
export type Row = { name: string; measured: string; baseline: string; ratio: number; promise: string };
