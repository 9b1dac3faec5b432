export { AccessGuard, type AuthenticatedRequest } from './access.guard.js';
export { ApiKeys, KeyRefused, type ApiKey, type Caller } from './api-keys.js';
export {
  CONSULTED,
  ConsultationLog,
  RecordConsultation,
  RecordConsultationHandler,
  type Consultation,
  type Consulted,
} from './consultation-log.js';
export { ROLES, type Role } from './roles.js';
export { Allow, assertEveryRouteHasPolicy, Public, RouteWithoutPolicy } from './route-policy.js';
