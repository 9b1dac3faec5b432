import { POLICY_VERSION, type Draft } from '../demo-event.js';
import type { DemoPerson } from '../people.js';
import { aCustomer } from '../customers.js';
import { carrierOf } from '../recipients.js';
import type { SeededRandom } from '../seeded-random.js';
import { messaged } from '../subjects.js';

/** A one-time password, handed to the carrier of its addressee. */
export function oneTimePassword(person: DemoPerson, random: SeededRandom): Draft {
  return {
    source: '/otp/service',
    type: 'sijill.data.disclosed.v1',
    data: {
      dataSubjects: [messaged(person, random)],
      dataCategories: ['contact.phone', 'message.content'],
      purpose: 'provide_services',
      legalBasis: 'contract',
      policyVersion: POLICY_VERSION,
      system: `otp-${random.integer(1, 3)}`,
      recipient: carrierOf(person),
      ground: 'service',
      method: 'api',
      occasion: 'recurring',
      minimumNecessary: true,
    },
  };
}

/** A message that a customer of the platform sends to somebody. */
export function customerMessage(person: DemoPerson, random: SeededRandom): Draft {
  return {
    source: '/sms/gateway',
    type: 'sijill.data.disclosed.v1',
    data: {
      dataSubjects: [messaged(person, random)],
      dataCategories: ['contact.phone', 'message.content', 'message.delivery_record'],
      purpose: random.chance(0.85) ? 'provide_services' : 'send_notifications',
      legalBasis: 'contract',
      policyVersion: POLICY_VERSION,
      system: `gateway-${random.integer(1, 5)}`,
      processingActivity: 'ROPA-1',
      onBehalfOf: aCustomer(random),
      actor: 'router',
      recipient: carrierOf(person),
      ground: 'service',
      method: 'api',
      occasion: 'recurring',
      minimumNecessary: true,
    },
  };
}

/** An advertisement. Whether the consent it names still stood is for the ledger to tell. */
export function campaignMessage(person: DemoPerson, random: SeededRandom): Draft {
  return {
    source: '/campaigns/sender',
    type: 'sijill.data.disclosed.v1',
    data: {
      dataSubjects: [messaged(person, random)],
      dataCategories: ['contact.phone', 'message.content'],
      purpose: 'marketing',
      legalBasis: 'consent',
      policyVersion: POLICY_VERSION,
      system: 'campaigns-1',
      actor: 'scheduler',
      recipient: carrierOf(person),
      ground: 'consent',
      method: 'api',
      occasion: 'recurring',
      minimumNecessary: true,
      details: { campaign: `summer-${random.integer(1, 9)}` },
    },
  };
}
