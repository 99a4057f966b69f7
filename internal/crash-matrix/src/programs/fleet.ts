// One process of a fleet on the server it is given; the other arguments are the settlements that it begins.
import { joinFleet } from '../fleet.ts';
import { postgresPlace } from '../postgres-place.ts';

const [url = '', ...runIds] = process.argv.slice(2);
await joinFleet(postgresPlace(url, false), runIds);
