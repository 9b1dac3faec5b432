import { Controller, Get, Inject } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../access/route-policy.js';

export const DOCUMENTS = Symbol('Documents');

/** Made when they are first asked for, which few starts of a server see. */
export class Documents {
  private readonly made = new Map<string, object>();

  /** How each is made, set once the routes are known. */
  makers: { readonly openApi: () => object; readonly asyncApi: () => object } | null = null;

  of(kind: 'openApi' | 'asyncApi'): object {
    let document = this.made.get(kind);
    if (document === undefined) this.made.set(kind, (document = this.makers?.[kind]() ?? {}));
    return document;
  }
}

@ApiExcludeController()
@Controller()
export class DocumentsController {
  constructor(@Inject(DOCUMENTS) private readonly documents: Documents) {}

  @Get('openapi.json')
  @Public()
  openApi(): object {
    return this.documents.of('openApi');
  }

  @Get('asyncapi.json')
  @Public()
  asyncApi(): object {
    return this.documents.of('asyncApi');
  }
}
