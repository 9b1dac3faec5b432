import { Controller, Get, Inject } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../access/route-policy.js';

export const DOCUMENTS = Symbol('Documents');

/** Made once the routes are known. */
export class Documents {
  openApi: object = {};
  asyncApi: object = {};
}

@ApiExcludeController()
@Controller()
export class DocumentsController {
  constructor(@Inject(DOCUMENTS) private readonly documents: Documents) {}

  @Get('openapi.json')
  @Public()
  openApi(): object {
    return this.documents.openApi;
  }

  @Get('asyncapi.json')
  @Public()
  asyncApi(): object {
    return this.documents.asyncApi;
  }
}
